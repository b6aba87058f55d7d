/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the answer of the bus about a connection. A BerthCaller is a plain record without states;
 * the table in callers.c owns those that live longer than a call. The process may have ended by the
 * time the answer comes: then the unit is left out, and only the uid, which the bus has vouched
 * for, is kept. See caller.h.
 */

#include "bus/caller.h"

#include "systemd/pidfd.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <systemd/sd-login.h>
#include <unistd.h>

/* The unit of the system manager in which the process is. The pidfd is tested after the unit was
 * read: if the process is there then, its number cannot have gone to another one before. Signal 0
 * only tests (pidfd_send_signal(2)). An older bus sends no pidfd, and the unit is taken as it is.
 */
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

/* The keys are those of GetConnectionCredentials in the D-Bus specification; keys that are not
 * known are skipped, since the specification allows more of them. */
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
