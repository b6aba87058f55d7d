/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "systemd/machine.h"

#define MACHINED "org.freedesktop.machine1"

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
