/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds the unit of a client through the cgroup of its process. There is no state here. The one
 * thing to know: a process below user@UID.service is in a unit of that user's manager, which the
 * system manager does not know. user@UID.service itself, which it does know, would be wrong, since
 * it outlives that unit.
 */

#include "systemd/caller-unit.h"

#include "systemd/pidfd.h"

#include <errno.h>
#include <systemd/sd-login.h>

/* The unit certainly belongs to this process: the start time shows that the pid still belongs to
 * the process that the bus has reported, and so it did when the cgroup was read. */
char *berth_caller_unit_find(pid_t pid, uint64_t started, GError **error) {
    g_autofree char *unit = NULL, *of_user = NULL;
    int r = pid > 0 && started > 0 ? sd_pid_get_unit(pid, &unit) : -ESRCH;
    bool has_user_unit = r >= 0 && sd_pid_get_user_unit(pid, &of_user) >= 0;

    if (r == -ESRCH || berth_pid_get_start(pid) != started)
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "the caller has ended");
    else if (r < 0)
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "the caller is in no unit");
    else if (has_user_unit)
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                        "the caller's unit \"%s\" belongs to a user manager; a scope of the system "
                        "manager cannot be bound to it",
                        of_user);
    else
        return g_steal_pointer(&unit);
    return NULL;
}
