/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs that berth-network runs on the host do not outlive it. */

#include "network/program.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int parent;

/* Called in the parent, right after the fork. */
static void exit_after_fork(void) {
    _exit(0);
}

/* Called first in the child: waits until its parent has exited. */
static void wait_for_end_of_parent(void) {
    struct pollfd poll_fd = {.fd = parent, .events = POLLIN};

    (void)poll(&poll_fd, 1, -1);
}

/* Runs a program that writes to standard error, in a process that ends between the fork and the
 * child's next step. */
static void run_in_dying_process(int output) {
    char *arguments[] = {(char *)"/bin/sh", (char *)"-c", (char *)"echo runs >&2", NULL};
    const BerthProgram program = {.arguments = arguments, .input = ""};
    g_autofree char *answer = NULL;
    g_autoptr(GError) error = NULL;
    size_t size;
    int status;

    dup2(output, STDERR_FILENO);
    parent = (int)syscall(SYS_pidfd_open, getpid(), 0);
    pthread_atfork(NULL, exit_after_fork, wait_for_end_of_parent);
    (void)berth_program_run(&program, &status, &answer, &size, &error);
    _exit(1);
}

static void test_a_program_does_not_outlive_its_parent(void) {
    int output[2], status;
    char byte;

    g_assert_cmpint(pipe2(output, O_CLOEXEC), ==, 0);
    pid_t pid = fork();
    if (pid == 0)
        run_in_dying_process(output[1]);
    close(output[1]);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    /* The file ends when the program has exited, or if it was never executed. */
    g_assert_cmpint(read(output[0], &byte, 1), ==, 0);
    close(output[0]);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/program/a-program-does-not-outlive-its-parent",
                    test_a_program_does_not_outlive_its_parent);
    return g_test_run();
}
