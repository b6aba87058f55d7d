/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The process may be gone by now, and with it its unit; then there is none. See caller.h. */

#include "bus/caller.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <systemd/sd-login.h>
#include <unistd.h>

/* Where the process is as the manager of the system has it. With its descriptor it is sure that it
 * has not ended and left its number to another, meanwhile. */
static void find_unit(BerthCaller *caller, int pidfd) {
    g_autofree char *unit = NULL;
    char *found = NULL;

    if (caller->pid == 0 || sd_pid_get_unit((pid_t)caller->pid, &found) < 0)
        return;
    unit = g_strdup(found);
    free(found);
    if (pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0)
        caller->unit = g_steal_pointer(&unit);
}

bool berth_caller_read(sd_bus_message *reply, BerthCaller *caller) {
    const char *key;
    int pidfd = -1; /* the message's */

    *caller = (BerthCaller){.uid = UINT32_MAX};
    if (sd_bus_message_is_method_error(reply, NULL) ||
        sd_bus_message_enter_container(reply, 'a', "{sv}") < 0)
        return false;
    while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
        if (sd_bus_message_read(reply, "s", &key) < 0)
            break;
        if (g_str_equal(key, "UnixUserID"))
            sd_bus_message_read(reply, "v", "u", &caller->uid);
        else if (g_str_equal(key, "ProcessID"))
            sd_bus_message_read(reply, "v", "u", &caller->pid);
        else if (g_str_equal(key, "ProcessFD"))
            sd_bus_message_read(reply, "v", "h", &pidfd);
        else
            sd_bus_message_skip(reply, "v");
        sd_bus_message_exit_container(reply);
    }
    if (caller->uid == UINT32_MAX)
        return false;
    find_unit(caller, pidfd);
    return true;
}

void berth_caller_free(gpointer data) {
    BerthCaller *caller = data;

    g_free(caller->unit);
    g_free(caller);
}
