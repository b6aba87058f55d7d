/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-copy: files of a container, out of it and into it. It makes the container's root its own
 * first: of one that runs by entering its namespaces, as its root and nobody else; of another by
 * mounting it. Whatever links an image has lead only within that root.
 *
 *   berth-copy out|in ID PATH [NAME]       with the tar on standard output or input
 *   berth-copy in-with-owners ID PATH [NAME]
 *   berth-copy changes ID -                what the container has changed, as lines
 *
 * Descriptors are those of launch/peer.h; the target is a pidfd for what runs.
 */

#include "base/fd.h"
#include "base/pivot.h"
#include "copy/changes.h"
#include "copy/copy.h"
#include "launch/outside.h"
#include "launch/peer.h"
#include "launch/trees.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static void enter_running(pid_t pid) {
    int flags = berth_outside_find_namespaces(pid);

    if (setns(BERTH_DIRECTORY_FD, flags & (CLONE_NEWUSER | CLONE_NEWNS)) < 0)
        berth_fail_errno("namespaces", "of the container");
    if (flags & CLONE_NEWUSER) {
        (void)!setgroups(0, NULL);
        if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
            berth_fail_errno("become root", NULL);
    }
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Seen by the host's root, files have the ids of the image. */
static void enter_stopped(const BerthPlan *plan) {
    g_autoptr(GError) error = NULL;
    BerthTrees trees = {plan, -1};
    int root = berth_trees_make_root(&trees, BERTH_DIRECTORY_FD, BERTH_SNAPSHOTS_FD, &error);

    if (root < 0)
        berth_fail_with("root", error);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        berth_fail_errno("namespaces", NULL);
    if (!berth_pivot(root, &error))
        berth_fail_with("root", error);
}

static int answer(bool good, const GError *error) {
    berth_peer_send(BERTH_SOCKET_FD, good ? 'K' : 'E', good ? NULL : error->message, -1);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int write_changes(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthPlan) plan = berth_plan_read(BERTH_CONFIG_FD, &error);

    return answer(plan && berth_changes_write(plan, BERTH_DIRECTORY_FD, BERTH_SNAPSHOTS_FD,
                                              STDOUT_FILENO, &error),
                  error);
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;

    if (argc < 4 || fcntl(BERTH_CONFIG_FD, F_GETFD) < 0)
        return BERTH_EXIT_LAUNCH;
    prctl(PR_SET_NAME, "berth-copy", 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    berth_peer_open_streams();
    if (g_str_equal(argv[1], "changes"))
        return write_changes();
    const char *name = argc > 4 && argv[4][0] ? argv[4] : NULL;
    pid_t pid = berth_outside_read_pid(BERTH_DIRECTORY_FD);
    if (pid > 0) {
        enter_running(pid);
    } else {
        g_autoptr(BerthPlan) plan = berth_plan_read(BERTH_CONFIG_FD, &error);
        if (!plan)
            berth_fail_with("configuration", error);
        enter_stopped(plan);
    }
    /* Nothing of the host's is open any more. */
    if (close_range(BERTH_CONFIG_FD, ~0u, 0) < 0 || chdir("/") < 0)
        berth_fail_errno("root", NULL);
    umask(0);
    bool good = g_str_equal(argv[1], "out")
                    ? berth_copy_out(argv[3], name, STDOUT_FILENO, &error)
                    : berth_copy_in(argv[3], name, STDIN_FILENO,
                                    g_str_equal(argv[1], "in-with-owners"), &error);
    return answer(good, error);
}
