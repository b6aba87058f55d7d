/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The thread that prepares the kernel for a move between cgroups: it does not disturb the program's
 * signals.
 */

#include "bare/cgroup-move.h"

#include <glib.h>
#include <signal.h>
#include <unistd.h>

/* As in dist, the signal is blocked only after the thread has been created. If the signal were
 * delivered to the thread, it would end the process. */
static void test_signals_wait_for_the_program(void) {
    const struct timespec none = {0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    for (int i = 0; i < 200; i++) {
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        berth_cgroup_expect_move();
        sigprocmask(SIG_BLOCK, &set, NULL);
        /* Repeated, so that signals arrive before and after the thread has started. */
        for (int j = 0; j < 200; j++) {
            kill(getpid(), SIGTERM);
            g_assert_cmpint(sigtimedwait(&set, NULL, &none), ==, SIGTERM);
        }
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cgroup-move/signals-wait-for-the-program", test_signals_wait_for_the_program);
    return g_test_run();
}
