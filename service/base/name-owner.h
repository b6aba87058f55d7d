/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Follows who owns a well-known name on the bus. The owner is asked for once, and then each change
 * is reported, in the order of the bus.
 */

#pragma once

#include <systemd/sd-bus.h>

/* owner: the unique name, valid during the call; "" if the name has lost its owner. */
typedef void (*BerthNameOwnerChanged)(const char *owner, void *userdata);

typedef struct {
    sd_bus_slot *changes, *question;
    BerthNameOwnerChanged changed;
    void *userdata;
} BerthNameOwner;

/* Does not block. Nothing is reported if nobody owns the name now. The structure must stay in its
 * place until it is cleared. Returns a negative errno on failure; what it has begun is cleared by
 * berth_name_owner_clear(), too. */
int berth_name_owner_follow(BerthNameOwner *follower, sd_bus *bus, const char *name,
                            BerthNameOwnerChanged changed, void *userdata);
void berth_name_owner_clear(BerthNameOwner *follower);
