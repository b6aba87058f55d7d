/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * User namespaces and their ID maps. A map can be written only once, and with more than one ID only
 * from outside (user_namespaces(7)). An idmapped mount takes its map from a user namespace
 * (mount_setattr(2)), which needs no process. There is no state here; the caller owns the
 * descriptors.
 */

#include "launch/userns.h"

#include "bare/fd.h"
#include "launch/text.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* At most 340 lines of three numbers each (user_namespaces(7)). */
enum { MAX_MAP_BYTES = 341 * 3 * 11 + 1, STACK_BYTES = 8 * 1024 };

static bool write_map(pid_t pid, const char *name, const BerthRanges *ranges, BerthFault *fault) {
    char path[BERTH_PROC_PATH_BYTES], text[MAX_MAP_BYTES];
    size_t length = 0;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    for (uint32_t i = 0; i < ranges->count; i++) {
        const BerthRange *range = &ranges->ranges[i];
        length += (size_t)snprintf(text + length, sizeof text - length, "%u %u %u\n", range->inside,
                                   range->outside, range->count);
        if (length >= sizeof text)
            return berth_fault_set(fault, "write %s: too many ranges", name);
    }
    berth_autofd int file = open(path, O_WRONLY | O_CLOEXEC);
    /* The kernel accepts the map only in a single write(2). */
    return (file >= 0 && write(file, text, length) == (ssize_t)length) ||
           berth_fault_set_errno(fault, errno, "write %s", name);
}

bool berth_userns_write_maps(pid_t pid, const BerthRanges *uids, const BerthRanges *gids,
                             BerthFault *fault) {
    return write_map(pid, "uid_map", uids, fault) && write_map(pid, "gid_map", gids, fault);
}

/* A maker that is itself killed cannot end it. It may already have ended before prctl(2). */
static int wait_to_be_killed(void *maker) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (getppid() == *(const pid_t *)maker)
        pause();
    return 0;
}

/* A namespace can only be created together with a process. The process does nothing and is killed;
 * the descriptor keeps the namespace. It shares this process's memory (CLONE_VM), since copying
 * that, down to the page tables, would take longer than all the rest. It shares errno too, which
 * nothing there sets: there are no signal handlers that pause(2) could return from. */
int berth_userns_new(const BerthRanges *uids, const BerthRanges *gids, BerthFault *fault) {
    static char stack[STACK_BYTES] __attribute__((aligned(16)));
    pid_t maker = getpid();
    pid_t pid =
        clone(wait_to_be_killed, stack + sizeof stack, CLONE_VM | CLONE_NEWUSER | SIGCHLD, &maker);
    char path[BERTH_PROC_PATH_BYTES];
    berth_autofd int namespace = -1;

    if (pid < 0) {
        berth_fault_set_errno(fault, errno, "make a user namespace");
        return -1;
    }
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    bool mapped = berth_userns_write_maps(pid, uids, gids, fault);
    if (mapped && (namespace = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        berth_fault_set_errno(fault, errno, "open a user namespace");
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return berth_fd_steal(&namespace);
}

bool berth_userns_map(const BerthRanges *ranges, uint32_t inside, uint32_t *outside) {
    for (uint32_t i = 0; i < ranges->count; i++) {
        const BerthRange *range = &ranges->ranges[i];
        if (inside >= range->inside && inside - range->inside < range->count) {
            *outside = range->outside + (inside - range->inside);
            return true;
        }
    }
    return false;
}
