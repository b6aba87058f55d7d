/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two calls to machined, neither of which waits for a reply: a container never depends on machined.
 * The watch belongs to its slot, whose destruction frees it.
 */

#include "systemd/machine.h"

#define MACHINED "org.freedesktop.machine1"

typedef struct {
    BerthMachinedStarted started;
    void *userdata;
} MachinedWatch;

/* Without auto-start and without a reply: nothing happens on a machine where machined is not
 * running. */
void berth_machine_register(sd_bus *bus, const char *name, const uint8_t id[16], uint32_t leader,
                            const char *root) {
    g_autoptr(sd_bus_message) call = NULL;

    if (sd_bus_message_new_method_call(bus, &call, MACHINED, "/org/freedesktop/machine1",
                                       MACHINED ".Manager", "RegisterMachine") < 0 ||
        sd_bus_message_set_auto_start(call, 0) < 0 ||
        sd_bus_message_set_expect_reply(call, 0) < 0 ||
        sd_bus_message_append(call, "s", name) < 0 ||
        sd_bus_message_append_array(call, 'y', id, 16) < 0 ||
        sd_bus_message_append(call, "ssus", "berth", "container", leader, root) < 0)
        return;
    (void)sd_bus_send(bus, call, NULL);
}

/* A new owner of the name is a machined that has just started, which knows no containers yet. */
static int machined_on_owner_changed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    const MachinedWatch *watch = userdata;
    const char *name, *old, *new;

    (void)error;
    if (sd_bus_message_read(signal, "sss", &name, &old, &new) >= 0 && new[0] != '\0')
        watch->started(watch->userdata);
    return 0;
}

bool berth_machined_watch(sd_bus *bus, sd_bus_slot **slot, BerthMachinedStarted started,
                          void *userdata, GError **error) {
    MachinedWatch *watch = g_new(MachinedWatch, 1);

    *watch = (MachinedWatch){started, userdata};
    int r = sd_bus_add_match_async(bus, slot,
                                   "type='signal',sender='org.freedesktop.DBus',"
                                   "path='/org/freedesktop/DBus',"
                                   "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                                   "arg0='" MACHINED "'",
                                   machined_on_owner_changed, NULL, watch);
    if (r < 0) {
        g_free(watch);
        return berth_error_set_errno(error, r, "watch for systemd-machined");
    }
    sd_bus_slot_set_destroy_callback(*slot, g_free);
    return true;
}
