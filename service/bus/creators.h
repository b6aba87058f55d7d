/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One operation asks once: what polkit allowed to Create, it allowed for making, starting, waiting
 * for, attaching to and removing that container. The connection that created it, and no other of
 * the same user, needs no second question for those, for as long as it is on the bus. In memory
 * alone.
 */

#pragma once

#include "bus/service.h"

/* Create was allowed to the sender of call, and has made this container. */
void berth_creators_add(BerthService *service, const char *id, sd_bus_message *call);
bool berth_creators_is(BerthService *service, const char *id, sd_bus_message *call);

/* The same for an image of an import or a commit: a user who authenticated for that may unpack it.
 */
void berth_creators_add_image(BerthService *service, const char *name, const char *digest,
                              sd_bus_message *call);
bool berth_creators_is_of_image(BerthService *service, const char *name, const char *digest,
                                sd_bus_message *call);

/* The container is gone or has another name; the connection is gone. */
void berth_creators_forget(BerthService *service, const char *id);
void berth_creators_forget_peer(BerthService *service, const char *peer);
