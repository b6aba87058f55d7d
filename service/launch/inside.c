/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/inside.h"

#include "base/fd.h"
#include "base/pivot.h"
#include "launch/execute.h"
#include "launch/hooks.h"
#include "launch/mounts.h"
#include "launch/peer.h"
#include "launch/trees.h"

#include <errno.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

bool berth_inside_has_loose_device(const BerthPlan *plan, const BerthPlanDevice *device) {
    for (guint i = 0; i < plan->mounts->len; i++)
        if (berth_trees_is_dev(plan->mounts->pdata[i]))
            return !g_str_has_prefix(device->path, "/dev/");
    return true;
}

bool berth_inside_waits_for_hooks(const BerthPlan *plan) {
    return plan->network || plan->hooks[BERTH_HOOK_PRESTART]->len > 0 ||
           plan->hooks[BERTH_HOOK_CREATE_RUNTIME]->len > 0;
}

/* The other process ends by itself when it fails, and has said why. */
static int receive(const BerthInside *inside, char expected) {
    int fd = -1;

    if (berth_peer_receive(inside->peer, NULL, &fd) != expected)
        _exit(BERTH_EXIT_LAUNCH);
    return fd;
}

static void bring_up_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    berth_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        berth_fail_errno("network", "lo");
}

static void become_root(void) {
    /* Ids that are not mapped show as nobody; a map without a root has none to become. */
    (void)!setgroups(0, NULL);
    (void)!setresgid(0, 0, 0);
    (void)!setresuid(0, 0, 0);
}

static void join(const BerthInside *inside, int flag) {
    for (guint i = 0; i < inside->plan->namespaces->len; i++) {
        const BerthPlanNamespace *entry =
            &g_array_index(inside->plan->namespaces, BerthPlanNamespace, i);
        if (inside->joined[i] >= 0 && entry->flag == flag && setns(inside->joined[i], flag) < 0)
            berth_fail_errno("join namespace", entry->path);
    }
}

static void write_time_offsets(const BerthPlan *plan) {
    g_autofree char *text = g_strdup_printf(
        "monotonic %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\nboottime %" G_GINT64_FORMAT
        " %" G_GINT64_FORMAT "\n",
        plan->monotonic_secs, plan->monotonic_nsecs, plan->boottime_secs, plan->boottime_nsecs);
    /* What is not dumpable has its /proc files owned by the host's root. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    berth_autofd int file = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);

    if (file < 0 || !berth_fd_write_all(file, text, strlen(text)))
        berth_fail_errno("time offsets", NULL);
}

/* A time namespace that was made is only for children (time_namespaces(7)); before Linux 6.3 it is
 * not entered by execve(2) either. */
static void enter_time_namespace(void) {
    berth_autofd int ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);

    if (ns < 0 || setns(ns, CLONE_NEWTIME) < 0)
        berth_fail_errno("time namespace", NULL);
}

/* The user namespace comes first: it owns those that are made after it. The cgroup namespace waits
 * for the cgroup. */
static void enter_namespaces(const BerthInside *inside) {
    static const int order[] = {CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWNET,
                                CLONE_NEWTIME};
    const BerthPlan *plan = inside->plan;
    int made = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        const BerthPlanNamespace *entry = berth_plan_find_namespace(plan, order[i]);
        if (entry && entry->path)
            join(inside, order[i]);
        else if (entry)
            made |= order[i];
    }
    if (unshare(made) < 0)
        berth_fail_errno("namespaces", NULL);
    if (plan->has_time_offsets)
        write_time_offsets(plan);
    if (made & CLONE_NEWTIME)
        enter_time_namespace();
    if (made & CLONE_NEWNET)
        bring_up_loopback();
    if (plan->hostname && (made & CLONE_NEWUTS) &&
        sethostname(plan->hostname, strlen(plan->hostname)) < 0)
        berth_fail_errno("hostname", plan->hostname);
    if (plan->domainname && (made & CLONE_NEWUTS) &&
        setdomainname(plan->domainname, strlen(plan->domainname)) < 0)
        berth_fail_errno("domainname", plan->domainname);
    /* The keyring of the service is not the container's. */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        berth_fail_errno("keyring", NULL);
}

/* /proc belongs to a pid namespace of the host's where the user namespace is joined: it is made
 * before that. */
static int *make_early_proc(const BerthPlan *plan) {
    int *trees = g_new(int, plan->mounts->len + 1);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < plan->mounts->len; i++) {
        const BerthPlanMount *mount = plan->mounts->pdata[i];
        trees[i] = -1;
        if (!mount->bind && g_str_equal(mount->type, "proc") &&
            (trees[i] = berth_mounts_make(mount, &error)) < 0)
            berth_fail_with("root", error);
    }
    return trees;
}

static void enter_user_namespace(const BerthInside *inside, int **early) {
    const BerthPlanNamespace *user = berth_plan_find_namespace(inside->plan, CLONE_NEWUSER);

    if (!user)
        return;
    if (user->path) {
        *early = make_early_proc(inside->plan);
        join(inside, CLONE_NEWUSER);
    } else {
        receive(inside, BERTH_LAUNCH_MAPPED);
    }
    become_root();
    /* Changing ids makes a process dumpable again by nobody but root; not even by that. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* All that is mounted, as detached trees, while the host's /proc is still in sight: the kernel
 * makes a new one in a user namespace only where one is. */
static int *make_trees(const BerthInside *inside, const int *early) {
    const BerthPlan *plan = inside->plan;
    int *trees = g_new(int, plan->mounts->len + 1);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < plan->mounts->len; i++) {
        const BerthPlanMount *mount = plan->mounts->pdata[i];
        if (early && early[i] >= 0)
            trees[i] = early[i];
        else if (mount->self || berth_trees_has(mount) || berth_mounts_is_cgroup(mount))
            trees[i] = -1;
        else if ((trees[i] = berth_mounts_make(mount, &error)) < 0)
            berth_fail_with("root", error);
    }
    return trees;
}

static void attach_all(const BerthInside *inside, int root, int *trees) {
    const BerthPlan *plan = inside->plan;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < plan->mounts->len; i++) {
        const BerthPlanMount *mount = plan->mounts->pdata[i];
        if (berth_mounts_is_cgroup(mount))
            continue;
        if (mount->self) {
            if (!berth_mounts_split(root, mount, &error))
                berth_fail_with("root", error);
            continue;
        }
        if (berth_trees_has(mount))
            trees[i] = receive(inside, BERTH_LAUNCH_TREE);
        if (!berth_mounts_attach(root, mount, trees[i], &error))
            berth_fail_with("root", error);
    }
    for (guint i = 0; i < plan->devices->len; i++) {
        const BerthPlanDevice *device = plan->devices->pdata[i];
        if (!berth_inside_has_loose_device(plan, device))
            continue;
        berth_autofd int node = receive(inside, BERTH_LAUNCH_TREE);
        if (!berth_mounts_add_device(root, device, node, &error))
            berth_fail_with("device", error);
    }
    if (plan->makes_dev && !berth_mounts_add_device_links(root, &error))
        berth_fail_with("device", error);
    if (plan->terminal && !berth_mounts_make_console(root, &error))
        berth_fail_with("terminal", error);
    for (guint i = 0; i < plan->mounts->len; i++) {
        if (trees[i] >= 0 && !berth_mounts_close(plan->mounts->pdata[i], trees[i], &error))
            berth_fail_with("root", error);
        berth_fd_clear(&trees[i]);
    }
}

static void write_sysctls(const BerthPlan *plan) {
    for (char **name = plan->sysctls; *name; name += 2) {
        g_autofree char *path = g_strconcat("/proc/sys/", name[0], NULL);
        /* With slashes, dots are part of a name (an interface's). */
        if (!strchr(name[0], '/'))
            g_strdelimit(path + strlen("/proc/sys/"), ".", '/');
        berth_autofd int file = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        struct statfs status;
        if (file >= 0 && fstatfs(file, &status) == 0 && status.f_type != PROC_SUPER_MAGIC)
            berth_fail("kernel parameter", name[0], "/proc/sys is not the kernel's",
                       BERTH_EXIT_LAUNCH);
        if (file < 0 || !berth_fd_write_all(file, name[1], strlen(name[1])))
            berth_fail_errno("kernel parameter", name[0]);
    }
}

static void mount_cgroup(const BerthPlan *plan) {
    g_autoptr(GError) error = NULL;
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (guint i = 0; i < plan->mounts->len; i++) {
        const BerthPlanMount *mount = plan->mounts->pdata[i];
        if (!berth_mounts_is_cgroup(mount))
            continue;
        berth_autofd int tree = berth_mounts_make(mount, &error);
        if (tree < 0 || !berth_mounts_attach(root, mount, tree, &error))
            berth_fail_with("root", error);
    }
}

static void enter_cgroup_namespace(const BerthInside *inside) {
    const BerthPlanNamespace *entry = berth_plan_find_namespace(inside->plan, CLONE_NEWCGROUP);

    if (entry && entry->path)
        join(inside, CLONE_NEWCGROUP);
    else if (entry && unshare(CLONE_NEWCGROUP) < 0)
        berth_fail_errno("cgroup namespace", NULL);
}

static void make_root(const BerthInside *inside, int root, int *trees) {
    const BerthPlan *plan = inside->plan;
    g_autoptr(GError) error = NULL;

    if (!berth_pivot_attach(root, &error))
        berth_fail_with("root", error);
    attach_all(inside, root, trees);
    if (berth_inside_waits_for_hooks(plan)) {
        if (!berth_peer_send(inside->peer, BERTH_LAUNCH_NAMESPACES, NULL, -1))
            _exit(BERTH_EXIT_LAUNCH);
        receive(inside, BERTH_LAUNCH_HOOKS_DONE);
    }
    if (!berth_hooks_run(plan, BERTH_HOOK_CREATE_CONTAINER, inside->id, "created", getpid(),
                         &error))
        berth_fail_with("hooks", error);
    if (!berth_pivot_enter(root, &error))
        berth_fail_with("root", error);
    write_sysctls(plan);
    berth_execution_make_directory(plan);
    if (!berth_mounts_restrict(plan, &error))
        berth_fail_with("root", error);
}

static BerthExecution begin(const BerthInside *inside) {
    BerthExecution execution = {
        .plan = inside->plan,
        .id = inside->id,
        .output_to_journal = inside->output_to_journal,
        .error_to_journal = inside->error_to_journal,
        .output = -1,
        .error = -1,
        .peer = inside->peer,
        .descriptor_count = inside->descriptor_count,
        .descriptor_names = inside->descriptor_names,
    };

    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    berth_fail_set_peer(inside->peer);
    if (setsid() < 0)
        berth_fail_errno("session", NULL);
    execution.filter = berth_execution_build_filter(inside->plan);
    return execution;
}

void berth_inside_run(const BerthInside *inside) {
    BerthExecution execution = begin(inside);
    int *early = NULL;

    execution.is_first = true;
    umask(0);
    enter_user_namespace(inside, &early);
    enter_namespaces(inside);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        berth_fail_errno("root", "make the mounts private");
    int *trees = make_trees(inside, early);
    int root = receive(inside, BERTH_LAUNCH_TREE);
    make_root(inside, root, trees);
    berth_execution_prepare(&execution);
    berth_execution_wait_for_word();
    enter_cgroup_namespace(inside);
    mount_cgroup(inside->plan);
    berth_execution_run(&execution);
}

void berth_inside_join(const BerthInside *inside, int init, int flags) {
    BerthExecution execution = begin(inside);

    if (setns(init, flags) < 0)
        berth_fail_errno("namespaces", "of the container");
    if (flags & CLONE_NEWUSER)
        become_root();
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        berth_fail_errno("keyring", NULL);
    if (chdir("/") < 0)
        berth_fail_errno("root", NULL);
    berth_execution_prepare(&execution);
    berth_execution_wait_for_word();
    berth_execution_run(&execution);
}
