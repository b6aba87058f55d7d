/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exit statuses and identities of processes through pidfds. */

#include "base/fd.h"
#include "systemd/pidfd.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void wait_readable(int pidfd) {
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

    g_assert_cmpint(poll(&poll_fd, 1, 10000), ==, 1);
}

static void test_child_is_reaped_and_its_status_reported(void) {
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(7);
    berth_autofd int pidfd = syscall(SYS_pidfd_open, child, 0);
    wait_readable(pidfd);
    g_assert_cmpint(berth_pidfd_get_state(pidfd, &status), ==, BERTH_PIDFD_EXITED);
    g_assert_cmpint(status, ==, 7);
    g_assert_cmpint(waitpid(child, NULL, 0), <, 0);
}

static void test_a_signal_is_128_and_its_number(void) {
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        pause();
        _exit(0);
    }
    berth_autofd int pidfd = syscall(SYS_pidfd_open, child, 0);
    g_assert_cmpint(berth_pidfd_get_state(pidfd, &status), ==, BERTH_PIDFD_RUNNING);
    kill(child, SIGKILL);
    wait_readable(pidfd);
    g_assert_cmpint(berth_pidfd_get_state(pidfd, &status), ==, BERTH_PIDFD_EXITED);
    g_assert_cmpint(status, ==, 128 + SIGKILL);
}

/* If the process has been reaped already, its status is the one that PIDFD_GET_INFO reports. If
 * that is not supported, the status is unknown, but never wrong. */
static void test_a_status_that_another_has_reaped(void) {
    int status = -2;
    pid_t child = fork();

    if (child == 0)
        _exit(9);
    berth_autofd int pidfd = syscall(SYS_pidfd_open, child, 0);
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    BerthPidfdState state = berth_pidfd_get_state(pidfd, &status);
    if (state == BERTH_PIDFD_EXITED)
        g_assert_cmpint(status, ==, 9);
    else
        g_assert_cmpint(state, ==, BERTH_PIDFD_UNKNOWN);
}

static void test_without_the_kernels_help_the_end_is_unknown(void) {
    int status = -2;
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    berth_autofd int pidfd = syscall(SYS_pidfd_open, child, 0);
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    g_setenv("BERTH_NO_PIDFD_INFO", "1", TRUE);
    g_assert_cmpint(berth_pidfd_get_state(pidfd, &status), ==, BERTH_PIDFD_UNKNOWN);
    g_unsetenv("BERTH_NO_PIDFD_INFO");
    g_assert_cmpint(status, ==, -2);
}

/* The parent of the process is not this test, and has not waited for it yet. */
static void test_pidfd_reports_the_status_without_reaping(void) {
    int status = -2, ends[2];
    pid_t grandchild = -1;

    g_assert_cmpint(pipe(ends), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        grandchild = fork();
        if (grandchild == 0) {
            pause();
            _exit(0);
        }
        (void)!write(ends[1], &grandchild, sizeof grandchild);
        pause();
        _exit(0);
    }
    g_assert_cmpint(read(ends[0], &grandchild, sizeof grandchild), ==, sizeof grandchild);
    berth_autofd int pidfd = syscall(SYS_pidfd_open, grandchild, 0);
    kill(grandchild, SIGTERM);
    wait_readable(pidfd);
    g_setenv("BERTH_NO_PIDFD_INFO", "1", TRUE);
    g_assert_cmpint(berth_pidfd_get_state(pidfd, &status), ==, BERTH_PIDFD_EXITED);
    g_unsetenv("BERTH_NO_PIDFD_INFO");
    g_assert_cmpint(status, ==, 128 + SIGTERM);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}

static void test_process_differs_from_a_later_one_with_its_pid(void) {
    g_assert_cmpuint(berth_pid_get_start(getpid()), >, 0);
    g_assert_cmpuint(berth_pid_get_start(getpid()), ==, berth_pid_get_start(getpid()));
    g_assert_cmpuint(berth_pid_get_start(0x7ffffffe), ==, 0);
    g_assert_false(berth_pid_is_in_unit(getpid(), "berth-no-such.scope"));
}

/* The command line of a zombie is empty. */
static void test_process_without_arguments_has_a_name(void) {
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    berth_autofd int pidfd = syscall(SYS_pidfd_open, child, 0);
    wait_readable(pidfd);
    g_autofree char *zombie = berth_pid_read_command(child);
    g_assert_cmpstr(zombie, ==, "test-pidfd");
    waitpid(child, NULL, 0);
    g_autofree char *gone = berth_pid_read_command(child);
    g_assert_cmpstr(gone, ==, "");
    g_autofree char *own = berth_pid_read_command(getpid());
    g_assert_nonnull(strstr(own, "test-pidfd --tap"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pidfd/child-is-reaped-and-its-status-reported",
                    test_child_is_reaped_and_its_status_reported);
    g_test_add_func("/pidfd/a-signal-is-128-and-its-number", test_a_signal_is_128_and_its_number);
    g_test_add_func("/pidfd/a-status-that-another-has-reaped",
                    test_a_status_that_another_has_reaped);
    g_test_add_func("/pidfd/without-the-kernels-help-the-end-is-unknown",
                    test_without_the_kernels_help_the_end_is_unknown);
    g_test_add_func("/pidfd/pidfd-reports-the-status-without-reaping",
                    test_pidfd_reports_the_status_without_reaping);
    g_test_add_func("/pidfd/process-differs-from-a-later-one-with-its-pid",
                    test_process_differs_from_a_later_one_with_its_pid);
    g_test_add_func("/pidfd/process-without-arguments-has-a-name",
                    test_process_without_arguments_has_a_name);
    return g_test_run();
}
