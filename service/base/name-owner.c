/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The caller owns the structure; the bus refers to it as long as its slots exist. */

#include "base/name-owner.h"

#include <glib.h>

#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

static int name_owner_on_change(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthNameOwner *follower = userdata;
    const char *name, *old, *new;

    (void)error;
    if (sd_bus_message_read(signal, "sss", &name, &old, &new) >= 0)
        follower->changed(new, follower->userdata);
    return 0;
}

/* An error means that nobody owns the name. */
static int name_owner_on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthNameOwner *follower = userdata;
    const char *owner;

    (void)error;
    follower->question = sd_bus_slot_unref(follower->question);
    if (!sd_bus_message_is_method_error(reply, NULL) &&
        sd_bus_message_read(reply, "s", &owner) >= 0)
        follower->changed(owner, follower->userdata);
    return 0;
}

int berth_name_owner_follow(BerthNameOwner *follower, sd_bus *bus, const char *name,
                            BerthNameOwnerChanged changed, void *userdata) {
    g_autofree char *match = g_strconcat("type='signal',sender='" BUS "',path='" BUS_PATH "',"
                                         "interface='" BUS "',member='NameOwnerChanged',arg0='",
                                         name, "'", NULL);

    *follower = (BerthNameOwner){.changed = changed, .userdata = userdata};
    int r = sd_bus_add_match_async(bus, &follower->changes, match, name_owner_on_change, NULL,
                                   follower);
    return r < 0 ? r
                 : sd_bus_call_method_async(bus, &follower->question, BUS, BUS_PATH, BUS,
                                            "GetNameOwner", name_owner_on_answer, follower, "s",
                                            name);
}

void berth_name_owner_clear(BerthNameOwner *follower) {
    follower->changes = sd_bus_slot_unref(follower->changes);
    follower->question = sd_bus_slot_unref(follower->question);
}
