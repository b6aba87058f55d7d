/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One operation asks once: when polkit allows Create, this includes creating, starting, waiting
 * for, attaching to and removing that container. The connection that created it, and no other of
 * the same user, needs no second question for these as long as it is on the bus. Kept only in
 * memory.
 */

#pragma once

#include "bus/service.h"

/* Records that the sender of call was allowed to Create and has created this container. */
void berth_creators_add(BerthService *service, const char *id, sd_bus_message *call);
/* Whether the sender of call has created this container. */
bool berth_creators_is(BerthService *service, const char *id, sd_bus_message *call);

/* Like berth_creators_add, for an image from an import or a commit: a user who has authenticated
 * for that may also unpack the image. */
void berth_creators_add_image(BerthService *service, const char *name, const char *digest,
                              sd_bus_message *call);
bool berth_creators_is_of_image(BerthService *service, const char *name, const char *digest,
                                sd_bus_message *call);

/* Called when the container has been deleted or renamed, or when the connection has left the
 * bus. */
void berth_creators_forget(BerthService *service, const char *id);
/* Removes all entries of a connection that has left the bus. */
void berth_creators_forget_peer(BerthService *service, const char *peer);
