/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes of a process that has ended, whose PID another one has by then. */

#include "launch/attributes.h"

#include <glib.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t clone_with(pid_t pid, int *pidfd) {
    struct clone_args arguments = {
        .flags = CLONE_PIDFD,
        .pidfd = (uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .set_tid = pid > 0 ? (uintptr_t)&pid : 0,
        .set_tid_size = pid > 0 ? 1 : 0,
    };
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);

    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return child;
}

static void end(pid_t pid, int pidfd) {
    kill(pid, SIGKILL);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    close(pidfd);
}

static int read_score(pid_t pid) {
    g_autofree char *path = g_strdup_printf("/proc/%d/oom_score_adj", (int)pid);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return atoi(text);
}

static const BerthLimit file_limit = {
    .name = "RLIMIT_FSIZE", .resource = RLIMIT_FSIZE, .soft = 4711, .hard = 4711};
static const BerthSetup setup = {
    .limits = (BerthLimit *)&file_limit, .limit_count = 1, .oom_score = 777};

static void test_a_running_process_has_them(void) {
    BerthAttributed process = {.pidfd = -1};
    struct rlimit limit;
    BerthFault fault;

    process.pid = clone_with(0, &process.pidfd);
    g_assert_cmpint(process.pid, >, 0);
    g_assert_true(berth_attributes_set(&setup, &process, &fault));
    g_assert_cmpint(prlimit(process.pid, RLIMIT_FSIZE, NULL, &limit), ==, 0);
    g_assert_cmpuint(limit.rlim_cur, ==, 4711);
    g_assert_cmpint(read_score(process.pid), ==, 777);
    end(process.pid, process.pidfd);
}

static void test_another_process_with_the_pid_keeps_its_own(void) {
    BerthAttributed process = {.pidfd = -1};
    struct rlimit limit;
    BerthFault fault;
    int other = -1;

    process.pid = clone_with(0, &process.pidfd);
    int stale = dup(process.pidfd);
    end(process.pid, process.pidfd);
    process.pidfd = stale;
    if (clone_with(process.pid, &other) != process.pid) {
        g_test_skip("a PID cannot be chosen here");
        close(stale);
        return;
    }
    int before = read_score(process.pid);
    g_assert_false(berth_attributes_set(&setup, &process, &fault));
    g_assert_cmpint(prlimit(process.pid, RLIMIT_FSIZE, NULL, &limit), ==, 0);
    g_assert_cmpuint(limit.rlim_cur, !=, 4711);
    g_assert_cmpint(read_score(process.pid), ==, before);
    end(process.pid, other);
    close(stale);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/attributes/a-running-process-has-them", test_a_running_process_has_them);
    g_test_add_func("/attributes/another-process-with-the-pid-keeps-its-own",
                    test_another_process_with_the_pid_keeps_its_own);
    return g_test_run();
}
