/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making content of others the caller's own, as far as contents.read allows: for members that keep
 * what the caller names. polkit is asked about each digest that a document leads to. */

#pragma once

#include "bus/access.h"
#include "bus/service.h"

/* Finds which of a digest and the digests below it the caller may name; *adopted has strings. The
 * check is "read", with the details digest and key (its value is name). Changes nothing. */
int berth_content_adoption_find(BerthService *service, sd_bus_message *call, sd_bus_error *error,
                                const char *key, const char *name, const char *digest,
                                GPtrArray **adopted);

/* The caller holds them from now on (store/provenance.h), and they count as its bytes on disk. */
bool berth_content_adoption_record(BerthService *service, uint32_t uid, GPtrArray *adopted,
                                   GError **error);
