/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/attributes.h"

#include "base/fd.h"
#include "launch/userns.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define CGROUPS "/sys/fs/cgroup"

/* sched_setattr(2), which glibc does not have. */
struct sched_attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* The lines of /proc/PID/cgroup; empty without it. */
static char **read_cgroups(pid_t pid) {
    g_autofree char *path = g_strdup_printf("/proc/%d/cgroup", (int)pid);
    g_autofree char *text = NULL;

    return g_strsplit(g_file_get_contents(path, &text, NULL, NULL) ? text : "", "\n", -1);
}

int berth_attributes_open_cgroup(pid_t pid) {
    static const char *const roots[] = {CGROUPS "/unified", CGROUPS};
    g_auto(GStrv) lines = read_cgroups(pid);
    int fd = -1;

    for (char **line = lines; fd < 0 && *line; line++)
        for (size_t i = 0; fd < 0 && g_str_has_prefix(*line, "0::/") && i < G_N_ELEMENTS(roots);
             i++) {
            g_autofree char *path = g_strconcat(roots[i], *line + strlen("0::"), NULL);
            fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
    return fd;
}

void berth_attributes_follow(pid_t other, pid_t pid) {
    g_auto(GStrv) lines = read_cgroups(other);
    g_autofree char *number = g_strdup_printf("%d", (int)pid);

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) parts = g_strsplit(*line, ":", 3);
        if (g_strv_length(parts) != 3 || parts[1][0] == '\0')
            continue;
        const char *name =
            g_str_has_prefix(parts[1], "name=") ? parts[1] + strlen("name=") : parts[1];
        g_autofree char *path = g_strconcat(CGROUPS "/", name, parts[2], "/cgroup.procs", NULL);
        berth_autofd int file = open(path, O_WRONLY | O_CLOEXEC);
        (void)(file >= 0 && berth_fd_write_all(file, number, strlen(number)));
    }
}

static bool set_limits(const BerthPlan *plan, pid_t pid, GError **error) {
    for (guint i = 0; i < plan->limits->len; i++) {
        const BerthPlanLimit *limit = &g_array_index(plan->limits, BerthPlanLimit, i);
        struct rlimit wanted = {limit->soft, limit->hard}, present;
        int resource = limit->resource;
        if (prlimit(pid, resource, &wanted, NULL) == 0)
            continue;
        /* Some machines let not even root raise what is possible: then it is what there is. */
        if (errno != EPERM || prlimit(pid, resource, NULL, &present) < 0)
            return berth_error_set_errno(error, errno, "limit %s", limit->name);
        wanted.rlim_max = MIN(wanted.rlim_max, present.rlim_max);
        wanted.rlim_cur = MIN(wanted.rlim_cur, wanted.rlim_max);
        if (prlimit(pid, resource, &wanted, NULL) < 0)
            return berth_error_set_errno(error, errno, "limit %s", limit->name);
    }
    return true;
}

static bool set_oom_score(const BerthPlan *plan, pid_t pid, GError **error) {
    g_autofree char *path = g_strdup_printf("/proc/%d/oom_score_adj", (int)pid);
    g_autofree char *score = g_strdup_printf("%d", plan->has_oom_score ? plan->oom_score : 0);
    berth_autofd int file = open(path, O_WRONLY | O_CLOEXEC);

    /* Lowering it takes CAP_SYS_RESOURCE, which some machines do not give to root. */
    return (file >= 0 && (berth_fd_write_all(file, score, strlen(score)) || errno == EACCES)) ||
           berth_error_set_errno(error, errno, "set the OOM score");
}

bool berth_attributes_set_inherited(const BerthPlan *plan, pid_t pid, GError **error) {
    enum { WHO_PROCESS = 1 };

    if (plan->has_io_priority && syscall(SYS_ioprio_set, WHO_PROCESS, pid, plan->io_priority) < 0)
        return berth_error_set_errno(error, errno, "set the I/O priority");
    return set_oom_score(plan, pid, error);
}

static bool set_scheduling(const BerthPlan *plan, pid_t pid, GError **error) {
    if (!plan->has_scheduler)
        return true;
    struct sched_attributes attributes = {
        .size = sizeof attributes,
        .policy = plan->scheduler.policy,
        .flags = plan->scheduler.flags,
        .nice = plan->scheduler.nice,
        .priority = plan->scheduler.priority,
        .runtime = plan->scheduler.runtime,
        .deadline = plan->scheduler.deadline,
        .period = plan->scheduler.period,
    };
    return syscall(SYS_sched_setattr, pid, &attributes, 0) == 0 ||
           berth_error_set_errno(error, errno, "set the scheduler");
}

/* cgroups(7), delegation containment: the directory and these files, nothing that limits it. */
bool berth_attributes_delegate(const BerthPlan *plan, int cgroup, GError **error) {
    static const char *const files[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};
    uint32_t uid, gid;

    if (!berth_plan_find_namespace(plan, CLONE_NEWUSER) ||
        !berth_plan_find_namespace(plan, CLONE_NEWCGROUP) ||
        !berth_userns_map(plan->uid_ranges, 0, &uid) ||
        !berth_userns_map(plan->gid_ranges, 0, &gid))
        return true;
    if (cgroup < 0 || fchownat(cgroup, "", uid, gid, AT_EMPTY_PATH) < 0)
        return berth_error_set_errno(error, errno, "give the container its cgroup");
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        if (fchownat(cgroup, files[i], uid, gid, 0) < 0 && errno != ENOENT)
            return berth_error_set_errno(error, errno, "give the container its cgroup");
    return true;
}

bool berth_attributes_set(const BerthPlan *plan, pid_t pid, GError **error) {
    berth_autofd int cgroup = berth_attributes_open_cgroup(pid);

    return berth_attributes_delegate(plan, cgroup, error) &&
           berth_attributes_set_inherited(plan, pid, error) && set_scheduling(plan, pid, error) &&
           set_limits(plan, pid, error);
}
