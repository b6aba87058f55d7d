/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The namespaces of a container as the outer process sees them: those that the container joins, and
 * those that an exec enters. This runs with the host's privileges; the opened descriptors are kept
 * in the caller's BerthInside. An error ends the launch.
 */

#include "launch/namespaces.h"

#include "bare/fd.h"
#include "launch/peer.h"
#include "launch/text.h"

#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

/* Kernel parameters are set in the joined namespaces, which must therefore not be the host's. */
static void check_joined(const BerthSetup *setup, const BerthNamespace *entry, int joined) {
    static const struct {
        int flag;
        const char *path;
    } with_parameters[] = {{CLONE_NEWIPC, "/proc/self/ns/ipc"},
                           {CLONE_NEWUTS, "/proc/self/ns/uts"},
                           {CLONE_NEWNET, "/proc/self/ns/net"}};
    struct stat theirs, ours;

    for (size_t i = 0; setup->sysctls.count > 0 && i < BERTH_COUNT(with_parameters); i++)
        if (with_parameters[i].flag == entry->flag &&
            (fstat(joined, &theirs) < 0 || stat(with_parameters[i].path, &ours) < 0 ||
             (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)))
            berth_fail("join namespace", entry->path,
                       "it is the host's, and kernel parameters are to be set", BERTH_EXIT_LAUNCH);
}

void berth_namespaces_open_joined(BerthInside *inside) {
    const BerthSetup *setup = inside->setup;

    if (setup->namespace_count > BERTH_INSIDE_MAX_NAMESPACES)
        berth_fail("namespaces", NULL, "one is given twice", BERTH_EXIT_LAUNCH);
    for (uint32_t i = 0; i < setup->namespace_count; i++) {
        const BerthNamespace *entry = &setup->namespaces[i];
        inside->joined[i] = -1;
        if (!entry->path)
            continue;
        inside->joined[i] = open(entry->path, O_RDONLY | O_CLOEXEC);
        if (inside->joined[i] < 0)
            berth_fail_errno("open namespace", entry->path);
        check_joined(setup, entry, inside->joined[i]);
        /* setns(2) into a PID namespace only affects children; the inner process is one. */
        if (entry->flag == CLONE_NEWPID && setns(inside->joined[i], CLONE_NEWPID) < 0)
            berth_fail_errno("join namespace", entry->path);
    }
}

uint64_t berth_namespaces_get_clone_flags(const BerthSetup *setup) {
    const BerthNamespace *user = berth_setup_find_namespace(setup, CLONE_NEWUSER);
    const BerthNamespace *pid = berth_setup_find_namespace(setup, CLONE_NEWPID);

    return (user && !user->path ? CLONE_NEWUSER : 0u) | (pid && !pid->path ? CLONE_NEWPID : 0u);
}

/* Only those that differ from this process's own, because setns(2) refuses the user namespace that
 * the caller is already in. The PID namespace is not included; it is joined before the clone. */
int berth_namespaces_find(pid_t pid) {
    static const struct {
        const char *name;
        int flag;
    } all[] = {{"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},  {"ipc", CLONE_NEWIPC},
               {"uts", CLONE_NEWUTS},   {"net", CLONE_NEWNET}, {"cgroup", CLONE_NEWCGROUP},
               {"time", CLONE_NEWTIME}};
    int flags = 0;

    for (size_t i = 0; i < BERTH_COUNT(all); i++) {
        char theirs[BERTH_PROC_PATH_BYTES], ours[BERTH_PROC_PATH_BYTES];
        struct stat a, b;
        snprintf(theirs, sizeof theirs, "/proc/%d/ns/%s", (int)pid, all[i].name);
        snprintf(ours, sizeof ours, "/proc/self/ns/%s", all[i].name);
        if (stat(theirs, &a) == 0 && stat(ours, &b) == 0 &&
            (a.st_ino != b.st_ino || a.st_dev != b.st_dev))
            flags |= all[i].flag;
    }
    return flags;
}

pid_t berth_pid_read_pidfd(int pidfd) {
    return (pid_t)berth_fd_get_info(0, pidfd, "Pid");
}
