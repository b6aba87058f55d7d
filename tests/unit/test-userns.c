/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* User namespaces for ID maps, and the process that each is made with. */

#include "launch/userns.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 20, LONGEST_MSEC = 2000 };

static int make_namespace(void) {
    BerthRange uid = {0, geteuid(), 1}, gid = {0, getegid(), 1};
    const BerthRanges uids = {&uid, 1}, gids = {&gid, 1};
    BerthFault fault;

    return berth_userns_new(&uids, &gids, &fault);
}

/* Makes one, and skips the test if that fails. */
static bool can_make_namespace(void) {
    int namespace = make_namespace();

    if (namespace < 0)
        g_test_skip("user namespaces cannot be made here");
    else
        close(namespace);
    return namespace >= 0;
}

static void test_no_process_is_left(void) {
    if (!can_make_namespace())
        return;
    g_assert_cmpint(waitpid(-1, NULL, __WALL), ==, -1);
    g_assert_cmpint(errno, ==, ECHILD);
}

/* Returns whether all processes of the group end, of which this process has become the parent. */
static bool group_ends(pid_t group) {
    pid_t ended = 0;

    for (int waited = 0; ended >= 0 && waited < LONGEST_MSEC; waited += ended == 0) {
        if ((ended = waitpid(-group, NULL, WNOHANG | __WALL)) == 0)
            g_usleep(1000);
    }
    if (ended == 0) {
        kill(-group, SIGKILL);
        while (waitpid(-group, NULL, __WALL) > 0)
            ;
    }
    return ended < 0;
}

/* berthd kills a launcher whose caller has given up. The process would keep copies of its
 * descriptors and, since it shares it, its memory. Most kills hit a maker that does nothing else
 * while it has such a process. */
static void test_the_process_ends_with_its_maker(void) {
    if (!can_make_namespace())
        return;
    g_assert_cmpint(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), ==, 0);
    for (int i = 0; i < ROUNDS; i++) {
        pid_t maker = fork();
        g_assert_cmpint(maker, >=, 0);
        if (maker == 0)
            for (setpgid(0, 0);;)
                close(make_namespace());
        g_usleep((gulong)(5000 + 100 * i));
        g_assert_cmpint(kill(maker, SIGKILL), ==, 0);
        g_assert_true(group_ends(maker));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/userns/no-process-is-left", test_no_process_is_left);
    g_test_add_func("/userns/the-process-ends-with-its-maker",
                    test_the_process_ends_with_its_maker);
    return g_test_run();
}
