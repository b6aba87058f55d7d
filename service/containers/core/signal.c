/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals to the processes of a running container. */

#include "containers/core/cgroup.h"
#include "containers/core/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

bool berth_container_kill(BerthContainer *container, const char *process_id, int signal, bool all,
                          GError **error) {
    if (signal < 1 || signal > SIGRTMAX)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "invalid signal %d", signal);
    if (all && process_id[0] != '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "cannot signal both one process and all of them");
    if (!berth_container_check_running(container, error))
        return false;
    if (all) {
        berth_container_signal_all(container, signal);
        return true;
    }
    BerthProcess *process = berth_container_find_process(container, process_id, error);
    if (!process)
        return false;
    if (process->pidfd < 0)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "process \"%.100s\" of container \"%s\" has ended", process_id,
                               container->record.id);
    /* ESRCH: the process has ended, and the loop has not handled it yet. */
    if (syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0) < 0 && errno != ESRCH)
        return berth_error_set_errno(error, errno, "signal container %s", container->record.id);
    return true;
}
