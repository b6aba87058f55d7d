/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a program of the host with a document as its standard input, and reads its standard output.
 * Both are files in memory, so neither side waits for the other. The program inherits no other
 * descriptor than standard error. There is no state here.
 */

#include "network/program.h"

#include "bare/capabilities.h"
#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PROGRAM_TIMEOUT_MSEC (60 * 1000)

enum { MAX_ANSWER_BYTES = 1024 * 1024, MAX_ENVIRONMENT = 16 };

bool berth_program_end_with_parent(pid_t parent) {
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

G_GNUC_NORETURN static void become_program(const BerthProgram *program, pid_t parent, int input,
                                           int output) {
    char *environment[MAX_ENVIRONMENT + 2] = {(char *)PATH};

    for (int i = 0; program->environment && program->environment[i] && i < MAX_ENVIRONMENT; i++)
        environment[i + 1] = program->environment[i];
    /* The program is killed when berth-network ends, which also releases the locks, so that it
     * never interferes with what comes next. */
    if (!berth_program_end_with_parent(parent) || dup2(input, STDIN_FILENO) < 0 ||
        dup2(output, STDOUT_FILENO) < 0)
        _exit(127);
    close_range(STDERR_FILENO + 1, ~0u, 0);
    /* A program executed by root gets all capabilities that are in the bounding set (execve(2)). */
    if (program->capabilities && !berth_capabilities_bound(program->capabilities))
        _exit(127);
    execve(program->arguments[0], program->arguments, environment);
    _exit(127);
}

/* A program that takes too long is killed, and so fails by a signal. Without a pidfd there is no
 * time limit. */
static int await_program(pid_t pid) {
    berth_autofd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    int status = 0;

    if (pidfd >= 0 && poll(&poll_fd, 1, PROGRAM_TIMEOUT_MSEC) == 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

bool berth_program_run(const BerthProgram *program, int *status, char **answer, size_t *size,
                       GError **error) {
    berth_autofd int input = berth_fd_new_in_memory(program->input, strlen(program->input), error);
    berth_autofd int output = input < 0 ? -1 : berth_fd_new_in_memory("", 0, error);

    if (output < 0)
        return false;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become_program(program, parent, input, output);
    if (pid < 0)
        return berth_error_set_errno(error, errno, "fork");
    *status = await_program(pid);
    return (*answer = berth_fd_read_whole(output, MAX_ANSWER_BYTES, size, error)) != NULL;
}
