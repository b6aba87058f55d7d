/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The outer process of a launch, with the host's privileges. It opens what the inner process
 * cannot, clones it as a child of berthd, sends it the trees that make up its root, and then serves
 * its requests in the order of the launch protocol until the socket closes. The socket closes when
 * the command is executed; then the poststart hooks run, and this process exits.
 */

#include "launch/outside.h"

#include "bare/fd.h"
#include "launch/attributes.h"
#include "launch/cgroup-files.h"
#include "launch/children.h"
#include "launch/device-tree.h"
#include "launch/hooks.h"
#include "launch/host.h"
#include "launch/journal.h"
#include "launch/listener.h"
#include "launch/namespaces.h"
#include "launch/outer-sandbox.h"
#include "launch/peer.h"
#include "launch/root-tree.h"
#include "launch/streams.h"
#include "launch/text.h"
#include "launch/trees.h"
#include "launch/userns.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

typedef struct {
    BerthInside *inside;
    int peer;
    pid_t pid;
    int pidfd;
    pid_t first;                /* the container's first process, if this is an exec; or 0 */
    bool is_in_place;           /* cloned into its cgroup; otherwise its scope may not exist yet */
    int listener;               /* connected; -1 for none */
    int streams[BERTH_STREAMS]; /* the standard descriptors of the process */
} Outside;

/* Returns twice, like fork(2). CLONE_PARENT makes the new process a child of berthd, which waits
 * for it. With a cgroup (CLONE_INTO_CGROUP), the process is never in another one, not even
 * briefly. */
static pid_t clone_inside(uint64_t flags, int cgroup, int *pidfd) {
    struct clone_args arguments = {
        .flags = flags | CLONE_PIDFD | CLONE_PARENT | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
    };

    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

static void open_sockets(Outside *outside, BerthInside *inside) {
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        berth_fail_errno("sockets", NULL);
    for (int i = 0; i < BERTH_STREAMS; i++)
        outside->streams[i] = i;
    outside->inside = inside;
    outside->peer = sockets[0];
    inside->peer = sockets[1];
}

/* Only called after the clone. Until then this process holds both ends of the socket, so a message
 * to the peer would reach nobody; from here on, the socket closes when the inner process ends. */
static void outside_report_process(Outside *outside) {
    berth_fd_clear(&outside->inside->peer);
    berth_fail_set_peer(outside->peer);
    if (!berth_peer_send_process(BERTH_SOCKET_FD, BERTH_LAUNCH_PROCESS, outside->pid,
                                 outside->pidfd))
        _exit(BERTH_EXIT_LAUNCH);
}

static void send_to_inside(const Outside *outside, BerthLaunchMessage message, int fd) {
    if (!berth_peer_send(outside->peer, message, NULL, fd))
        _exit(BERTH_EXIT_LAUNCH);
}

/* The container's user namespace, or -1. Its maps are written from here, since a process inside may
 * map only one ID (user_namespaces(7)). The inner process waits for that before it becomes root. */
static int open_userns(const Outside *outside) {
    const BerthSetup *setup = outside->inside->setup;
    const BerthNamespace *user = berth_setup_find_namespace(setup, CLONE_NEWUSER);
    char path[BERTH_PROC_PATH_BYTES];
    BerthFault fault;

    if (!user)
        return -1;
    if (user->path)
        return open(user->path, O_RDONLY | O_CLOEXEC);
    if (!berth_userns_write_maps(outside->pid, &setup->uid_ranges, &setup->gid_ranges, &fault))
        berth_fail_with("user namespace", &fault);
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)outside->pid);
    int userns = open(path, O_RDONLY | O_CLOEXEC);
    if (userns < 0)
        berth_fail_errno("user namespace", NULL);
    send_to_inside(outside, BERTH_LAUNCH_MAPPED, -1);
    return userns;
}

/* The order is that in which attach_all in inside.c expects one message each: the root, the mounts
 * that only the host's root can create, the devices. */
static void send_trees(const Outside *outside) {
    const BerthSetup *setup = outside->inside->setup;
    BerthFault fault;
    BerthTrees trees = {setup, open_userns(outside)};
    berth_autofd int root =
        berth_root_tree_make(&trees, BERTH_DIRECTORY_FD, BERTH_SNAPSHOTS_FD, &fault);

    if (root < 0)
        berth_fail_with("root", &fault);
    send_to_inside(outside, BERTH_LAUNCH_TREE, root);
    for (uint32_t i = 0; i < setup->mount_count; i++) {
        if (!berth_trees_has(&setup->mounts[i]))
            continue;
        berth_autofd int tree = berth_trees_make_mount(&trees, &setup->mounts[i], &fault);
        if (tree < 0)
            berth_fail_with("root", &fault);
        send_to_inside(outside, BERTH_LAUNCH_TREE, tree);
    }
    for (uint32_t i = 0; i < setup->device_count; i++) {
        const BerthDevice *device = &setup->devices[i];
        if (!berth_inside_has_loose_device(setup, device))
            continue;
        /* Without a mount, the inner process creates the node itself. That fails in a user
         * namespace for everything but FIFOs, and is useless on layers, which are mounted nodev. */
        bool bound = device->type != S_IFIFO && (trees.userns >= 0 || setup->layers.texts);
        berth_autofd int node = bound ? berth_device_tree_make_node(&trees, device, &fault) : -1;
        if (bound && node < 0)
            berth_fail_with("device", &fault);
        send_to_inside(outside, BERTH_LAUNCH_TREE, node);
    }
}

/* An exec joins the container's cgroup, which was set up at its start. */
static void set_up_cgroup(const Outside *outside) {
    BerthFault fault;

    if (outside->first > 0)
        return;
    berth_autofd int cgroup = berth_attributes_open_cgroup(outside->pid);
    if (!berth_cgroup_files_write(outside->inside->setup, cgroup, &fault) ||
        !berth_attributes_delegate(outside->inside->setup, cgroup, &fault))
        berth_fail_with("cgroup", &fault);
}

static void run_hooks(const Outside *outside, BerthHookStage stage, const char *status) {
    BerthFault fault;

    if (outside->inside->setup->hooks[stage].count == 0)
        return;
    if (!berth_host_enter(&fault) ||
        !berth_hooks_run(outside->inside->setup, stage, status, outside->pid, &fault))
        berth_fail_with("hooks", &fault);
}

/* Networks are JSON documents of the administrator, and plugins reply with more of them. A separate
 * program reads them, and reports its failures to berthd itself. */
static void connect_network(const Outside *outside) {
    const BerthSetup *setup = outside->inside->setup;
    char pid[16];
    char *arguments[] = {(char *)"berth-network", (char *)"connect", (char *)setup->id, pid, NULL};
    BerthFault fault;

    if (!setup->network)
        return;
    /* Plugins and their state are files on the host. */
    if (!berth_host_enter(&fault))
        berth_fail_with("network", &fault);
    /* All trees have been made of the snapshots, whose place the pidfd now takes. */
    if (dup2(outside->pidfd, BERTH_SNAPSHOTS_FD) < 0)
        berth_fail_errno("network", NULL);
    snprintf(pid, sizeof pid, "%d", (int)outside->pid);
    int status = berth_child_run(arguments, BERTH_CHILD_AS_THIS, -1, BERTH_SNAPSHOTS_FD + 1);
    if (status < 0)
        berth_fail_errno("network", NULL);
    if (WIFEXITED(status) && WEXITSTATUS(status) == BERTH_EXIT_LAUNCH)
        berth_fail_silently(BERTH_EXIT_LAUNCH);
    if (status != 0)
        berth_fail("network", NULL, "berth-network ended before it had finished",
                   BERTH_EXIT_LAUNCH);
}

/* A container's own scope is named before systemd has moved the process into it. */
static void name_unit(const Outside *outside, char unit[BERTH_UNIT_NAME_BYTES]) {
    if (outside->is_in_place)
        berth_attributes_read_unit(outside->pid, unit);
    else
        snprintf(unit, BERTH_UNIT_NAME_BYTES, "berth-%s.scope", outside->inside->setup->id);
}

/* The message does not say which stream it is: the inner process sends the socket for standard
 * output first. */
static void connect_stream(Outside *outside, int fd) {
    bool output =
        outside->inside->output_to_journal && outside->streams[STDOUT_FILENO] == STDOUT_FILENO;
    char unit[BERTH_UNIT_NAME_BYTES];
    BerthFault fault;

    name_unit(outside, unit);
    const BerthSetup *setup = outside->inside->setup;
    if (!berth_journal_connect(fd, setup->log_tag ? setup->log_tag : setup->id, unit, &fault))
        berth_fail_with("journal", &fault);
    outside->streams[output ? STDOUT_FILENO : STDERR_FILENO] = fd;
}

/* A checkpoint needs the names of the standard descriptors. A failure is not reported: the
 * container runs regardless, and merely cannot be checkpointed. */
static void note_streams(const Outside *outside) {
    BerthStreams streams;

    if (outside->first > 0 || outside->inside->setup->terminal)
        return;
    berth_streams_name(&streams, outside->streams, outside->pid);
    berth_streams_write(&streams, BERTH_DIRECTORY_FD, NULL);
}

/* An exec has no directory: nobody waits for its status, since the client has not had the reply of
 * Exec. */
static void note_unreleased(const Outside *outside) {
    if (outside->first > 0)
        return;
    berth_autofd int file = openat(BERTH_DIRECTORY_FD, BERTH_LAUNCH_UNRELEASED_FILE,
                                   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file >= 0)
        (void)!dprintf(file, "%d", (int)outside->pid);
}

/* The state tells the listener about the process with the filter and about the container, which
 * differ for an exec. */
static void outside_send_filter(const Outside *outside, int filter) {
    const BerthSetup *setup = outside->inside->setup;
    bool other = outside->first > 0;
    BerthFault fault;

    if (!berth_listener_send(outside->listener, setup, filter, outside->pid,
                             other ? "running" : "creating", other ? outside->first : outside->pid,
                             &fault))
        berth_fail_with("system call filter", &fault);
}

/* Serves the inner process until its socket closes. Any unexpected letter, including PEER_FAILED,
 * ends this process, since the failure has been reported. */
_Noreturn static void serve(Outside *outside) {
    BerthFault fault;
    char letter;
    int fd = -1;

    while ((letter = berth_peer_receive(outside->peer, &fd)) != 0) {
        if (letter == BERTH_LAUNCH_STREAM) {
            connect_stream(outside, fd);
        } else if (letter == BERTH_LAUNCH_NEED_LISTENER) {
            outside->listener = berth_listener_connect(outside->inside->setup, &fault);
            if (outside->listener < 0)
                berth_fail_with("system call filter", &fault);
        } else if (letter == BERTH_LAUNCH_LISTENER) {
            outside_send_filter(outside, fd);
            berth_fd_clear(&fd);
        } else if (letter == BERTH_LAUNCH_NAMESPACES) {
            connect_network(outside);
            run_hooks(outside, BERTH_HOOK_PRESTART, "created");
            run_hooks(outside, BERTH_HOOK_CREATE_RUNTIME, "created");
            send_to_inside(outside, BERTH_LAUNCH_HOOKS_DONE, -1);
        } else if (letter == BERTH_LAUNCH_UNRELEASED) {
            note_unreleased(outside);
            _exit(BERTH_EXIT_LAUNCH);
        } else if (letter == BERTH_LAUNCH_SET_ATTRIBUTES) {
            set_up_cgroup(outside);
            const BerthAttributed process = {outside->pid, outside->pidfd};
            if (!berth_attributes_set(outside->inside->setup, &process, &fault))
                berth_fail_with("attributes", &fault);
            send_to_inside(outside, BERTH_LAUNCH_ATTRIBUTES_SET, -1);
            note_streams(outside);
        } else {
            _exit(BERTH_EXIT_LAUNCH);
        }
    }
    run_hooks(outside, BERTH_HOOK_POSTSTART, "running");
    _exit(0);
}

/* The files of joined namespaces, and hooks that run inside before the root changes, are on the
 * host. The container's mount namespace must then be derived from the host's, not from the
 * service's. */
static void enter_host_early(const BerthSetup *setup) {
    bool wanted = setup->hooks[BERTH_HOOK_CREATE_CONTAINER].count > 0;
    BerthFault fault;

    for (uint32_t i = 0; i < setup->namespace_count; i++)
        wanted = wanted || setup->namespaces[i].path;
    if (!wanted)
        return;
    if (!berth_host_enter(&fault) || !berth_host_reopen(BERTH_DIRECTORY_FD, &fault) ||
        !berth_host_reopen(BERTH_SNAPSHOTS_FD, &fault))
        berth_fail_with("namespaces", &fault);
}

/* The caller's cgroup, if the container uses it; otherwise -1. */
static int get_cgroup(void) {
    struct stat status;

    return fstat(BERTH_CGROUP_FD, &status) == 0 && S_ISDIR(status.st_mode) ? BERTH_CGROUP_FD : -1;
}

void berth_outside_create(BerthInside *inside) {
    int cgroup = get_cgroup();
    Outside outside = {.pidfd = -1, .is_in_place = cgroup >= 0, .listener = -1};

    open_sockets(&outside, inside);
    enter_host_early(inside->setup);
    berth_namespaces_open_joined(inside);
    outside.pid =
        clone_inside(berth_namespaces_get_clone_flags(inside->setup), cgroup, &outside.pidfd);
    if (outside.pid < 0)
        berth_fail_errno("process", cgroup >= 0 ? "in its caller's cgroup" : NULL);
    if (outside.pid == 0) {
        berth_fd_clear(&outside.peer);
        berth_inside_run(inside);
    }
    /* Only after the clone, because the inner process gets the capabilities and the filter of its
     * container, not these. */
    berth_outer_sandbox_enter();
    berth_hooks_begin_start(inside->setup, BERTH_DIRECTORY_FD);
    if (cgroup >= 0)
        berth_attributes_spread(outside.pid);
    outside_report_process(&outside);
    send_trees(&outside);
    serve(&outside);
}

/* Opens the cgroup of the first process, which only the pidfd shows to be still the same. */
static int open_cgroup_of(pid_t first, int init) {
    berth_autofd int cgroup = berth_attributes_open_cgroup(first);

    if (cgroup < 0 || berth_pid_read_pidfd(init) == first)
        return berth_fd_steal(&cgroup);
    errno = ESRCH;
    return -1;
}

/* Never in the service's own cgroup, which has no limits: the container decides which cgroup its
 * first process is in, and can hide it behind a path longer than PATH_MAX. Its init system may also
 * move the process, and remove the cgroup, at any moment. */
static pid_t clone_into_cgroup_of(pid_t first, int init, int *pidfd) {
    enum { TRIES = 10 };
    pid_t pid = -1;

    for (int i = 0; i < TRIES && pid < 0; i++) {
        berth_autofd int cgroup = open_cgroup_of(first, init);
        pid = cgroup < 0 ? -1 : clone_inside(0, cgroup, pidfd);
    }
    return pid;
}

void berth_outside_exec(BerthInside *inside, int init) {
    pid_t first = berth_pid_read_pidfd(init);
    Outside outside = {.pidfd = -1, .first = first, .listener = -1};

    if (first <= 0)
        berth_fail("container", NULL, "its first process has ended", BERTH_EXIT_LAUNCH);
    int flags = berth_namespaces_find(first);
    outside.is_in_place = true;
    open_sockets(&outside, inside);
    if (setns(init, CLONE_NEWPID) < 0)
        berth_fail_errno("namespaces", "of the container");
    outside.pid = clone_into_cgroup_of(first, init, &outside.pidfd);
    if (outside.pid < 0)
        berth_fail_errno("process", "in the cgroup of the container");
    if (outside.pid == 0) {
        berth_fd_clear(&outside.peer);
        berth_inside_join(inside, first, init, flags);
    }
    berth_outer_sandbox_enter();
    outside_report_process(&outside);
    serve(&outside);
}
