/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guard of a monitor. Engines kill a process by the pid that they were given: conmon when its
 * time-out expires, containerd for processes of exec. The monitor passes signals on, but cannot do
 * so with SIGKILL. The guard holds one end of a pipe; if the other end is closed without a byte
 * having been written, it kills the process and exits.
 */

#include "guard.h"

#include "base/fd.h"
#include "call.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

/* If the service or the bus is being restarted, the call is repeated. */
enum { MAX_TRIES = 20, RETRY_USEC = 250 * 1000 };

/* Returns whether nothing more has to be done. It needs a connection of its own, since the
 * monitor's, which had the rights of the container's creator, is gone. */
static bool guard_kill(const char *berth_id, const char *process) {
    g_autoptr(sd_bus) bus = runtime_bus_open(NULL);
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GError) error = NULL;

    if (bus)
        reply = runtime_call(bus, &error, "Kill", "sia{sv}", berth_id, SIGKILL, 1, "Process", "s",
                             process);
    return reply || g_error_matches(error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND) ||
           g_error_matches(error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION) ||
           g_error_matches(error, BERTH_ERROR, BERTH_ERROR_ACCESS_DENIED);
}

G_NORETURN static void guard_main(int pipe_end, const char *berth_id, const char *process) {
    sigset_t all;
    char word;
    ssize_t n;

    /* No signal to the engine's process group ends the guard. SIGKILL to a whole cgroup does, but
     * then the engine deletes the container. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    (void)prctl(PR_SET_NAME, "berth-guard");
    if (pipe_end != 3)
        (void)dup2(pipe_end, 3);
    (void)close_range(4, ~0U, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        (void)(null < 0 ? close(fd) : dup2(null, fd));
    do
        n = read(3, &word, 1);
    while (n < 0 && errno == EINTR);
    for (int i = 0; n == 0 && i < MAX_TRIES && !guard_kill(berth_id, process); i++)
        g_usleep(RETRY_USEC);
    _exit(0);
}

/* Returns the monitor's end of the pipe. It is O_CLOEXEC, so that no other program holds it open.
 */
int runtime_guard_start(const char *berth_id, const char *process, GError **error) {
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        berth_error_set_errno(error, errno, "make a pipe");
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        guard_main(ends[0], berth_id, process);
    }
    close(ends[0]);
    if (pid < 0) {
        close(ends[1]);
        berth_error_set_errno(error, errno, "start the guard of the monitor");
        return -1;
    }
    return ends[1];
}

/* Writes a byte before the pipe is closed, which tells the guard that there is nothing to kill. */
void runtime_guard_dismiss(int guard) {
    if (guard < 0)
        return;
    (void)!write(guard, "", 1);
    close(guard);
}
