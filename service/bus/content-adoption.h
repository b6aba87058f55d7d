/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes content of other users the caller's own, as far as contents.read allows: used by members
 * that keep content named by the caller. polkit is asked about each digest that a document refers
 * to.
 */

#pragma once

#include "bus/access.h"
#include "bus/service.h"

/* Finds which digests, of the given one and all those below it, the caller may name; *adopted
 * contains strings. Makes the check "read" with the details digest and key, whose value is name.
 * Changes nothing. */
int berth_content_adoption_find(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                                const char *key, const char *name, const char *digest,
                                GPtrArray **adopted);

/* Records that the caller holds these digests from now on (store/provenance.h); they count towards
 * its disk usage. */
bool berth_content_adoption_record(BerthService *service, uint32_t uid, GPtrArray *adopted,
                                   GError **error);
