/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Children are waited for through a pidfd, so that a wait can time out. The programs run here are
 * Berth's own; launch/hooks.c runs hooks. There is no state here.
 */

#include "launch/children.h"

#include "bare/fd.h"
#include "config.h"
#include "launch/outer-sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* berth-network stops its plugins long before that; a server for user names may never answer. */
enum { PROGRAM_TIMEOUT_SEC = 600 };

/* Without a pidfd there is no time limit. A killed child is still reaped, and until then its PID
 * cannot be reused. */
bool berth_child_await(pid_t child, uint64_t timeout_usec, int *status) {
    berth_autofd int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};

    int ready = pidfd < 0 ? 1 : poll(&end, 1, (int)(timeout_usec / 1000));
    if (ready == 0)
        kill(child, SIGKILL);
    while (waitpid(child, status, 0) < 0 && errno == EINTR)
        ;
    return ready != 0;
}

_Noreturn static void become_program(char *const *arguments, BerthChildRights rights, int output,
                                     unsigned kept) {
    static char *const environment[] = {NULL};
    char path[sizeof BERTH_LIBEXECDIR + 64];

    snprintf(path, sizeof path, BERTH_LIBEXECDIR "/%s", arguments[0]);
    if (output >= 0 && dup2(output, STDOUT_FILENO) < 0)
        _exit(127);
    close_range(kept, ~0u, 0);
    if (rights == BERTH_CHILD_READS && !berth_outer_sandbox_only_read())
        _exit(127);
    execve(path, arguments, environment);
    _exit(127);
}

int berth_child_run(char *const *arguments, BerthChildRights rights, int output, unsigned kept) {
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        become_program(arguments, rights, output, kept);
    if (child < 0)
        return -1;
    if (!berth_child_await(child, PROGRAM_TIMEOUT_SEC * BERTH_USEC_PER_SEC, &status)) {
        errno = ETIMEDOUT;
        return -1;
    }
    return status;
}
