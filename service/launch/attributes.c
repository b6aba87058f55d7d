/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The outer process calls this after the inner one has received the go-ahead, but before the inner
 * one gives up any privilege: limits that are too low would prevent its last steps, and raising
 * them needs the host's root. Only berth_attributes_follow is called by the inner process, as its
 * first step. There is no state here except a buffer for /proc/PID/cgroup.
 *
 * prlimit(2), sched_setattr(2) and ioprio_set(2) take a PID, and berthd may reap the process at any
 * moment, for example because root in the container has killed it. So each of these calls follows a
 * look at the pidfd, after which the number cannot be another process's unless the kernel has gone
 * through all others meanwhile.
 */

#include "launch/attributes.h"

#include "bare/cgroup-lines.h"
#include "bare/fd.h"
#include "bare/pidfd.h"
#include "launch/text.h"
#include "launch/userns.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define CGROUPS "/sys/fs/cgroup"

/* Room for one path for each v1 hierarchy; there are about fifteen at most. */
enum { MAX_CGROUPS_BYTES = 16 * PATH_MAX, CGROUP_PATH_BYTES = 2 * PATH_MAX };

/* For sched_setattr(2), which glibc does not provide. */
struct sched_attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* The lines of proc_pid_cgroup(5), or none if they cannot be read. */
static char *read_cgroups(pid_t pid) {
    static char text[MAX_CGROUPS_BYTES + 1];
    char path[BERTH_PROC_PATH_BYTES];

    snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    berth_autofd int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || berth_fd_read_text(file, text, MAX_CGROUPS_BYTES) < 0)
        text[0] = '\0';
    return text;
}

/* On a hybrid machine, the v2 hierarchy is mounted at "unified". */
int berth_attributes_open_cgroup(pid_t pid) {
    static const char *const roots[] = {CGROUPS "/unified", CGROUPS};
    char path[CGROUP_PATH_BYTES];
    int fd = -1;

    errno = ENOENT;
    const char *unified = berth_cgroup_find_unified(read_cgroups(pid));
    for (size_t i = 0; fd < 0 && unified && i < BERTH_COUNT(roots); i++) {
        snprintf(path, sizeof path, "%s%s", roots[i], unified);
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return fd;
}

/* v2 is skipped, since the process was cloned into its cgroup. A hierarchy that is not mounted is
 * skipped too. A thread that moves only itself, named by "0", takes no lock and waits for no grace
 * period of RCU (cgroup_procs_write_start() in Linux), unlike any move of a process. */
static void follow_line(const BerthCgroupLine *line) {
    const char *mount = berth_cgroup_get_mount(line);
    char path[CGROUP_PATH_BYTES];

    if (!mount)
        return;
    snprintf(path, sizeof path, CGROUPS "/%s%s/tasks", mount, line->path);
    berth_autofd int file = open(path, O_WRONLY | O_CLOEXEC);
    (void)(file >= 0 && berth_fd_write_all(file, "0", 1));
}

bool berth_attributes_follow(pid_t other) {
    char *text = read_cgroups(other);
    BerthCgroupLine line;

    if (text[0] == '\0')
        return false;
    while (berth_cgroup_next_line(&text, &line))
        follow_line(&line);
    return true;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), size = strlen(end);

    return length >= size && berth_text_is(text + length - size, end);
}

/* The first component that is not a slice. Everything below it belongs to the unit itself, or to a
 * user manager. */
void berth_attributes_read_unit(pid_t pid, char name[BERTH_UNIT_NAME_BYTES]) {
    char path[PATH_MAX], *rest = NULL;
    const char *unified = berth_cgroup_find_unified(read_cgroups(pid));

    name[0] = '\0';
    if (!unified || strlen(unified) >= sizeof path)
        return;
    strcpy(path, unified);
    for (char *part = strtok_r(path, "/", &rest); part; part = strtok_r(NULL, "/", &rest))
        if ((ends_with(part, ".service") || ends_with(part, ".scope")) &&
            strlen(part) < BERTH_UNIT_NAME_BYTES) {
            strcpy(name, part);
            return;
        }
}

/* Walks upwards, as systemd does for a unit that does not use a controller. Otherwise the process
 * would stay in the service's own cgroup. */
static void spread_line(const BerthCgroupLine *line, const char *unified, const char *number) {
    const char *mount = berth_cgroup_get_mount(line);
    char path[CGROUP_PATH_BYTES], *end;

    if (!mount)
        return;
    size_t root = (size_t)snprintf(path, sizeof path, CGROUPS "/%s", mount);
    if (root >= sizeof path || root + strlen(unified) >= sizeof path)
        return;
    for (strcpy(path + root, unified); (end = strrchr(path + root, '/')); *end = '\0') {
        char file[CGROUP_PATH_BYTES + 16];
        snprintf(file, sizeof file, "%s/cgroup.procs", path);
        berth_autofd int procs = open(file, O_WRONLY | O_CLOEXEC);
        if (procs >= 0 && berth_fd_write_all(procs, number, strlen(number)))
            return;
    }
}

void berth_attributes_spread(pid_t pid) {
    const char *found = berth_cgroup_find_unified(read_cgroups(pid));
    char unified[PATH_MAX], number[16], *text;
    BerthCgroupLine line;

    if (!found || strlen(found) >= sizeof unified)
        return;
    strcpy(unified, found);
    snprintf(number, sizeof number, "%d", (int)pid);
    text = read_cgroups(pid);
    while (berth_cgroup_next_line(&text, &line))
        spread_line(&line, unified, number);
}

/* This process cannot be replaced by another one. */
static bool still_exists(const BerthAttributed *process, BerthFault *fault) {
    return process->pidfd < 0 || berth_pidfd_is_running(process->pidfd) ||
           berth_fault_set(fault, "the process has ended");
}

static bool set_limits(const BerthSetup *setup, const BerthAttributed *process, BerthFault *fault) {
    for (uint32_t i = 0; i < setup->limit_count; i++) {
        const BerthLimit *limit = &setup->limits[i];
        struct rlimit wanted = {limit->soft, limit->hard}, present;
        int resource = limit->resource;
        if (!still_exists(process, fault))
            return false;
        if (prlimit(process->pid, resource, &wanted, NULL) == 0)
            continue;
        /* On some machines, even root may not raise a limit. Then the current hard limit is kept,
         * and the soft one is capped at it. */
        if (errno != EPERM || prlimit(process->pid, resource, NULL, &present) < 0)
            return berth_fault_set_errno(fault, errno, "limit %s", limit->name);
        wanted.rlim_max = BERTH_MIN(wanted.rlim_max, present.rlim_max);
        wanted.rlim_cur = BERTH_MIN(wanted.rlim_cur, wanted.rlim_max);
        if (!still_exists(process, fault))
            return false;
        if (prlimit(process->pid, resource, &wanted, NULL) < 0)
            return berth_fault_set_errno(fault, errno, "limit %s", limit->name);
    }
    return true;
}

/* The file stays that of the process whose number it was opened by, which the pidfd shows to be the
 * right one. */
static bool set_oom_score(const BerthSetup *setup, const BerthAttributed *process,
                          BerthFault *fault) {
    char path[BERTH_PROC_PATH_BYTES], score[16];

    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)process->pid);
    snprintf(score, sizeof score, "%d", setup->oom_score);
    berth_autofd int file = open(path, O_WRONLY | O_CLOEXEC);
    if (!still_exists(process, fault))
        return false;
    /* Lowering the score needs CAP_SYS_RESOURCE, which root lacks on some machines. */
    return (file >= 0 && (berth_fd_write_all(file, score, strlen(score)) || errno == EACCES)) ||
           berth_fault_set_errno(fault, errno, "set the OOM score");
}

static bool set_io_priority(const BerthSetup *setup, const BerthAttributed *process,
                            BerthFault *fault) {
    enum { WHO_PROCESS = 1 };

    if (!setup->has_io_priority)
        return true;
    return still_exists(process, fault) &&
           (syscall(SYS_ioprio_set, WHO_PROCESS, process->pid, setup->io_priority) == 0 ||
            berth_fault_set_errno(fault, errno, "set the I/O priority"));
}

bool berth_attributes_set_inherited(const BerthSetup *setup, const BerthAttributed *process,
                                    BerthFault *fault) {
    return set_io_priority(setup, process, fault) && set_oom_score(setup, process, fault);
}

static bool set_scheduling(const BerthSetup *setup, const BerthAttributed *process,
                           BerthFault *fault) {
    const BerthScheduler *scheduler = &setup->scheduler;

    if (!setup->has_scheduler)
        return true;
    struct sched_attributes attributes = {
        .size = sizeof attributes,
        .policy = scheduler->policy,
        .flags = scheduler->flags,
        .nice = scheduler->nice,
        .priority = scheduler->priority,
        .runtime = scheduler->runtime,
        .deadline = scheduler->deadline,
        .period = scheduler->period,
    };
    return still_exists(process, fault) &&
           (syscall(SYS_sched_setattr, process->pid, &attributes, 0) == 0 ||
            berth_fault_set_errno(fault, errno, "set the scheduler"));
}

/* Delegation containment (cgroups(7)): the directory and these files are given away, but nothing
 * that limits the cgroup. */
bool berth_attributes_delegate(const BerthSetup *setup, int cgroup, BerthFault *fault) {
    static const char *const files[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};
    uint32_t uid, gid;

    if (!berth_setup_find_namespace(setup, CLONE_NEWUSER) ||
        !berth_setup_find_namespace(setup, CLONE_NEWCGROUP) ||
        !berth_userns_map(&setup->uid_ranges, 0, &uid) ||
        !berth_userns_map(&setup->gid_ranges, 0, &gid))
        return true;
    if (cgroup < 0 || fchownat(cgroup, "", uid, gid, AT_EMPTY_PATH) < 0)
        return berth_fault_set_errno(fault, errno, "give the container its cgroup");
    for (size_t i = 0; i < BERTH_COUNT(files); i++)
        if (fchownat(cgroup, files[i], uid, gid, 0) < 0 && errno != ENOENT)
            return berth_fault_set_errno(fault, errno, "give the container its cgroup");
    return true;
}

bool berth_attributes_set(const BerthSetup *setup, const BerthAttributed *process,
                          BerthFault *fault) {
    return berth_attributes_set_inherited(setup, process, fault) &&
           set_scheduling(setup, process, fault) && set_limits(setup, process, fault);
}
