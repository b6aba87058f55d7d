/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the bus's reply about the credentials of a connection. A BerthCaller is a plain record
 * without states; records that outlive a call are owned by the table in callers.c. The process may
 * have exited by the time the reply arrives. In that case the unit is left out, and only the uid,
 * for which the bus vouches, is kept. See caller.h.
 */

#include "bus/caller.h"

#include "systemd/pidfd.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <systemd/sd-login.h>
#include <unistd.h>

/* Finds the unit of the system manager that the process belongs to. The pidfd is checked after the
 * unit was read: if the process still exists then, its PID cannot have been reused before. Signal 0
 * only checks for existence (pidfd_send_signal(2)). Older buses send no pidfd; the unit is then
 * used unchecked. */
static void find_unit(BerthCaller *caller, int pidfd) {
    g_autofree char *unit = NULL;
    char *found = NULL;

    if (caller->pid == 0)
        return;
    if (sd_pid_get_unit((pid_t)caller->pid, &found) >= 0)
        unit = g_strdup(found);
    free(found);
    caller->started = berth_pid_get_start((pid_t)caller->pid);
    if (pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0)
        caller->unit = g_steal_pointer(&unit);
    else
        caller->started = 0;
}

/* The keys are those of GetConnectionCredentials in the D-Bus specification. Unknown keys are
 * skipped, since the specification allows for additional ones. */
bool berth_caller_read(sd_bus_message *reply, BerthCaller *caller) {
    const char *key;
    int pidfd = -1; /* owned by the message */

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
