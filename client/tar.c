/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs tar(1) as a child at one end of a pipe; the other end is in a container. The only state is
 * the pid and the file with tar's messages, which are the caller's.
 */

#include "client/tar.h"

#include "client/translate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t dist_tar_start(char *const *arguments, int input, int output, int errors, GError **error) {
    pid_t pid = fork();

    if (pid == 0) {
        /* execve(2) preserves ignored signals, and dist ignores this one. */
        signal(SIGPIPE, SIG_DFL);
        if ((input >= 0 && dup2(input, STDIN_FILENO) < 0) ||
            (output >= 0 && dup2(output, STDOUT_FILENO) < 0) || dup2(errors, STDERR_FILENO) < 0)
            _exit(127);
        close_range(STDERR_FILENO + 1, ~0u, 0);
        execvp("tar", arguments);
        _exit(127);
    }
    if (pid < 0)
        berth_error_set_errno(error, errno, "fork");
    return pid;
}

static void tar_repeat_errors(int errors) {
    char text[4096];
    ssize_t size;

    if (lseek(errors, 0, SEEK_SET) == 0)
        while ((size = read(errors, text, sizeof text)) > 0)
            fwrite(text, 1, (size_t)size, stderr);
}

bool dist_tar_finish(pid_t pid, bool called, int errors, GError **error) {
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (called)
        tar_repeat_errors(errors);
    if (!called || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return called;
    return berth_error_set(error, BERTH_ERROR_INTERNAL, "%s",
                           WIFEXITED(status) && WEXITSTATUS(status) == 127
                               ? _("cannot run tar")
                               : _("the local tar failed"));
}
