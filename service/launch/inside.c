/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The inner process of a launch, a child of berthd, from its clone until it is in its root.
 * berth_inside_run (for a container's first process) and berth_inside_join (for an additional one)
 * list the steps in order; after the go-ahead, launch/execute.c continues. A step that fails is
 * reported to berthd by name and ends the process, and its mounts disappear with its namespaces.
 */

#include "launch/inside.h"

#include "bare/fd.h"
#include "bare/pivot.h"
#include "launch/attributes.h"
#include "launch/execute.h"
#include "launch/hidden-paths.h"
#include "launch/hooks.h"
#include "launch/mounts.h"
#include "launch/peer.h"
#include "launch/proc.h"
#include "launch/secrets.h"
#include "launch/text.h"
#include "launch/trees.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

bool berth_inside_has_loose_device(const BerthSetup *setup, const BerthDevice *device) {
    for (uint32_t i = 0; i < setup->mount_count; i++)
        if (berth_trees_is_dev(&setup->mounts[i]))
            return !berth_text_begins(device->path, "/dev/");
    return true;
}

/* Whether the outer process has work to do once the namespaces exist: hooks, networks. */
static bool waits_for_hooks(const BerthSetup *setup) {
    return setup->network || setup->hooks[BERTH_HOOK_PRESTART].count > 0 ||
           setup->hooks[BERTH_HOOK_CREATE_RUNTIME].count > 0;
}

/* Waits for one message and returns its descriptor. Any other letter, or a closed socket, means
 * that the outer process has failed and has reported the reason, so this process exits without a
 * report. */
static int inside_receive(const BerthInside *inside, BerthLaunchMessage expected) {
    int fd = -1;

    if (berth_peer_receive(inside->peer, &fd) != (char)expected)
        _exit(BERTH_EXIT_LAUNCH);
    return fd;
}

static void bring_up_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    berth_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        berth_fail_errno("network", "lo");
}

static void inside_become_root(void) {
    /* This fails in a namespace that does not map root. The process then keeps its IDs, which show
     * as nobody. */
    (void)!setgroups(0, NULL);
    (void)!setresgid(0, 0, 0);
    (void)!setresuid(0, 0, 0);
}

static void join_namespace(const BerthInside *inside, int flag) {
    for (uint32_t i = 0; i < inside->setup->namespace_count; i++) {
        const BerthNamespace *entry = &inside->setup->namespaces[i];
        if (inside->joined[i] >= 0 && entry->flag == flag && setns(inside->joined[i], flag) < 0)
            berth_fail_errno("join namespace", entry->path);
    }
}

static void write_time_offsets(const BerthSetup *setup) {
    const char *text = setup->time_offsets;

    /* The /proc files of a process that is not dumpable belong to the host's root (prctl(2),
     * PR_SET_DUMPABLE), which this process may no longer be. It is dumpable only for this
     * open(2). */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    berth_autofd int file = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);

    if (file < 0 || !berth_fd_write_all(file, text, strlen(text)))
        berth_fail_errno("time offsets", NULL);
}

/* A new time namespace applies only to children (time_namespaces(7)); before Linux 6.3, execve(2)
 * does not enter it either. */
static void enter_time_namespace(void) {
    berth_autofd int ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);

    if (ns < 0 || setns(ns, CLONE_NEWTIME) < 0)
        berth_fail_errno("time namespace", NULL);
}

void berth_inside_join_keyring(void) {
    /* ENOSYS: the kernel has no keyrings. EPERM: the filter of a container manager such as
     * systemd-nspawn refuses the call, for this process and, since filters are inherited, for the
     * container. */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS &&
        errno != EPERM)
        berth_fail_errno("keyring", NULL);
}

/* All except user, PID and cgroup namespaces. The user namespace has been entered before, so that
 * it owns the namespaces created after it. The PID namespace comes with the clone. The cgroup
 * namespace has to wait for the cgroup. */
static void enter_namespaces(const BerthInside *inside) {
    static const int order[] = {CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWNET,
                                CLONE_NEWTIME};
    const BerthSetup *setup = inside->setup;
    int made = 0;

    for (size_t i = 0; i < BERTH_COUNT(order); i++) {
        const BerthNamespace *entry = berth_setup_find_namespace(setup, order[i]);
        if (entry && entry->path)
            join_namespace(inside, order[i]);
        else if (entry)
            made |= order[i];
    }
    if (unshare(made) < 0)
        berth_fail_errno("namespaces", NULL);
    /* Before the namespace has a process, since its offsets are fixed from then on
     * (time_namespaces(7)). */
    if (setup->time_offsets)
        write_time_offsets(setup);
    if (made & CLONE_NEWTIME)
        enter_time_namespace();
    if (made & CLONE_NEWNET)
        bring_up_loopback();
    if (setup->hostname && (made & CLONE_NEWUTS) &&
        sethostname(setup->hostname, strlen(setup->hostname)) < 0)
        berth_fail_errno("hostname", setup->hostname);
    if (setup->domainname && (made & CLONE_NEWUTS) &&
        setdomainname(setup->domainname, strlen(setup->domainname)) < 0)
        berth_fail_errno("domainname", setup->domainname);
    berth_inside_join_keyring();
}

/* One descriptor per mount, initially -1. The list is never freed: the process exits or
 * executes. */
static int *new_descriptors(const BerthSetup *setup) {
    int *fds = calloc(setup->mount_count + 1, sizeof *fds);

    if (!fds)
        berth_fail_errno("root", NULL);
    for (uint32_t i = 0; i < setup->mount_count; i++)
        fds[i] = -1;
    return fds;
}

/* A joined user namespace does not own the PID namespace, which the clone created in the host's.
 * Mounting proc needs privileges over the PID namespace, so it is done before joining. */
static int *make_early_proc(const BerthSetup *setup) {
    int *trees = new_descriptors(setup);
    BerthFault fault;

    for (uint32_t i = 0; i < setup->mount_count; i++) {
        const BerthMount *mount = &setup->mounts[i];
        if (!berth_mount_is_bind(mount->kind) && berth_text_is(mount->type, "proc") &&
            (trees[i] = berth_mounts_make(mount, &fault)) < 0)
            berth_fail_with("root", &fault);
    }
    return trees;
}

static void inside_enter_user_namespace(const BerthInside *inside, int **early) {
    const BerthNamespace *user = berth_setup_find_namespace(inside->setup, CLONE_NEWUSER);

    if (!user)
        return;
    if (user->path) {
        *early = make_early_proc(inside->setup);
        join_namespace(inside, CLONE_NEWUSER);
    } else {
        inside_receive(inside, BERTH_LAUNCH_MAPPED);
    }
    inside_become_root();
    /* A change of IDs resets the dumpable flag to fs.suid_dumpable (prctl(2)). It is cleared again,
     * so that no other process can trace this one. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Creates all file systems of the container as detached trees while the host's /proc is still
 * visible: in a user namespace, the kernel allows a new proc or sysfs only if one that is at least
 * as revealing is already mounted (mount_too_revealing). */
static int *inside_make_trees(const BerthInside *inside, const int *early) {
    const BerthSetup *setup = inside->setup;
    int *trees = new_descriptors(setup);
    BerthFault fault;

    for (uint32_t i = 0; i < setup->mount_count; i++) {
        const BerthMount *mount = &setup->mounts[i];
        if (early && early[i] >= 0)
            trees[i] = early[i];
        else if (mount->kind == BERTH_MOUNT_BIND_OF_ROOT || berth_trees_has(mount) ||
                 berth_mounts_is_cgroup(mount))
            trees[i] = -1;
        else if ((trees[i] = berth_mounts_make(mount, &fault)) < 0)
            berth_fail_with("root", &fault);
    }
    return trees;
}

/* Attaches mounts in the order of the configuration, since a mount point is looked up in what has
 * been mounted before. The outer process sends its trees in the same order (send_trees in
 * outside.c). */
static void attach_all(const BerthInside *inside, int root, int *trees) {
    const BerthSetup *setup = inside->setup;
    BerthFault fault;

    for (uint32_t i = 0; i < setup->mount_count; i++) {
        const BerthMount *mount = &setup->mounts[i];
        if (berth_mounts_is_cgroup(mount))
            continue;
        if (mount->kind == BERTH_MOUNT_BIND_OF_ROOT) {
            if (!berth_mounts_split(root, mount, &fault))
                berth_fail_with("root", &fault);
            continue;
        }
        if (berth_trees_has(mount))
            trees[i] = inside_receive(inside, BERTH_LAUNCH_TREE);
        if (!berth_mounts_attach(root, mount, trees[i], &fault))
            berth_fail_with("root", &fault);
    }
    for (uint32_t i = 0; i < setup->device_count; i++) {
        const BerthDevice *device = &setup->devices[i];
        if (!berth_inside_has_loose_device(setup, device))
            continue;
        berth_autofd int node = inside_receive(inside, BERTH_LAUNCH_TREE);
        if (!berth_mounts_add_device(root, device, node, &fault))
            berth_fail_with("device", &fault);
    }
    if (setup->makes_dev && !berth_mounts_add_device_links(root, &fault))
        berth_fail_with("device", &fault);
    /* The mount point for the terminal, created while /dev is still writable. */
    if (setup->terminal && !berth_mounts_make_point(root, "/dev/console", false, &fault))
        berth_fail_with("terminal", &fault);
    /* Made read-only only now, because mount points for later mounts, devices and the console were
     * created in them. */
    for (uint32_t i = 0; i < setup->mount_count; i++) {
        if (trees[i] >= 0 && !berth_mounts_close(&setup->mounts[i], trees[i], &fault))
            berth_fail_with("root", &fault);
        berth_fd_clear(&trees[i]);
    }
}

static void write_sysctl(const BerthPair *parameter) {
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof path, "sys/%s", parameter->name) >= sizeof path)
        berth_fail("kernel parameter", parameter->name, "the name is too long", BERTH_EXIT_LAUNCH);
    /* If the configuration does not mount proc, /proc is the image's. */
    berth_autofd int file = berth_proc_open(path);
    if (file < 0 && errno == EXDEV)
        berth_fail("kernel parameter", parameter->name, "/proc/sys is not on a proc file system",
                   BERTH_EXIT_LAUNCH);
    if (file < 0 || !berth_fd_write_all(file, parameter->value, strlen(parameter->value)))
        berth_fail_errno("kernel parameter", parameter->name);
}

static void write_sysctls(const BerthSetup *setup) {
    for (uint32_t i = 0; i < setup->sysctls.count; i++)
        write_sysctl(&setup->sysctls.pairs[i]);
}

static void mount_cgroup(const BerthSetup *setup) {
    BerthFault fault;
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (uint32_t i = 0; i < setup->mount_count; i++) {
        const BerthMount *mount = &setup->mounts[i];
        if (!berth_mounts_is_cgroup(mount))
            continue;
        berth_autofd int tree = berth_mounts_make(mount, &fault);
        if (tree < 0 || !berth_mounts_attach(root, mount, tree, &fault))
            berth_fail_with("root", &fault);
    }
}

static void enter_cgroup_namespace(const BerthInside *inside) {
    const BerthNamespace *entry = berth_setup_find_namespace(inside->setup, CLONE_NEWCGROUP);

    if (entry && entry->path)
        join_namespace(inside, CLONE_NEWCGROUP);
    else if (entry && unshare(CLONE_NEWCGROUP) < 0)
        berth_fail_errno("cgroup namespace", NULL);
}

static void make_root(const BerthInside *inside, int root, int *trees) {
    const BerthSetup *setup = inside->setup;
    BerthFault fault;

    if (!berth_pivot_attach(root))
        berth_fail_errno("root", "attach the new root");
    attach_all(inside, root, trees);
    if (waits_for_hooks(setup)) {
        if (!berth_peer_send(inside->peer, BERTH_LAUNCH_NAMESPACES, NULL, -1))
            _exit(BERTH_EXIT_LAUNCH);
        inside_receive(inside, BERTH_LAUNCH_HOOKS_DONE);
    }
    /* In the container's namespaces, but before entering its root (config.md, createContainer
     * Hooks). */
    if (!berth_hooks_run(setup, BERTH_HOOK_CREATE_CONTAINER, "created", getpid(), &fault))
        berth_fail_with("hooks", &fault);
    if (!berth_pivot_enter(root))
        berth_fail_errno("root", "change the root");
    /* Before berth_hidden_paths_apply, which may make /proc/sys and the root read-only. */
    write_sysctls(setup);
    berth_execution_make_directory(setup);
    if (!berth_hidden_paths_apply(setup, &fault))
        berth_fail_with("root", &fault);
}

static BerthExecution inside_begin(const BerthInside *inside) {
    BerthExecution execution = {
        .setup = inside->setup,
        .filter = &inside->filter,
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
    return execution;
}

/* Directories and processes of the host. A link in the image could lead to them through
 * /proc/self/fd, and this process still has the rights to follow it. */
static void close_host(void) {
    if (close_range(BERTH_CONFIG_FD, BERTH_CGROUP_FD, 0) < 0 || close(BERTH_POD_FD) < 0)
        berth_fail_errno("descriptors", "of the host");
}

/* Variables are added last, so that nothing in the image can replace those of the caller. */
static void take_secrets(BerthExecution *execution) {
    const BerthIdentity *identity = &execution->identity;
    struct stat status;
    BerthFault fault;

    if (fstat(BERTH_SECRETS_FD, &status) < 0 || !S_ISREG(status.st_mode))
        return;
    if (execution->is_first &&
        !berth_secrets_write(BERTH_SECRETS_FD, identity->uid, identity->gid, &fault))
        berth_fail_with("secrets", &fault);
    execution->environment =
        berth_secrets_add_variables(BERTH_SECRETS_FD, execution->environment, &fault);
    if (!execution->environment)
        berth_fail_with("secrets", &fault);
}

void berth_inside_run(const BerthInside *inside) {
    BerthExecution execution = inside_begin(inside);
    int *early = NULL;

    execution.is_first = true;
    close_host();
    umask(0);
    inside_enter_user_namespace(inside, &early);
    enter_namespaces(inside);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        berth_fail_errno("root", "make the mounts private");
    int *trees = inside_make_trees(inside, early);
    int root = inside_receive(inside, BERTH_LAUNCH_TREE);
    make_root(inside, root, trees);
    berth_execution_prepare(&execution);
    take_secrets(&execution);
    berth_execution_wait_for_go_ahead(&execution);
    /* The root of a cgroup namespace is the cgroup of the process that creates it
     * (cgroup_namespaces(7)), and mounts show that root. This process has been in its scope only
     * since the go-ahead. */
    enter_cgroup_namespace(inside);
    mount_cgroup(inside->setup);
    berth_execution_run(&execution);
}

void berth_inside_join(const BerthInside *inside, pid_t first, int init, int flags) {
    BerthExecution execution = inside_begin(inside);

    /* The files of the cgroups are not in the container, or belong to others there. */
    if (!berth_attributes_follow(first))
        berth_fail_errno("cgroup", "of the container");
    /* With a pidfd, setns(2) enters all of them at once. The PID namespace came with the clone. */
    if (setns(init, flags) < 0)
        berth_fail_errno("namespaces", "of the container");
    close_host();
    if (flags & CLONE_NEWUSER)
        inside_become_root();
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    berth_inside_join_keyring();
    if (chdir("/") < 0)
        berth_fail_errno("root", NULL);
    berth_execution_prepare(&execution);
    take_secrets(&execution);
    berth_execution_wait_for_go_ahead(&execution);
    berth_execution_run(&execution);
}
