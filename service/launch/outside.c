/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Outside: opens what the inner process cannot, clones it as a child of berthd's, sends it the
 * trees that its root is made of, and then serves what it asks for, in the order of the launch
 * protocol, until its socket closes. That is the command's start, and this process's end.
 */

#include "launch/outside.h"

#include "bare/fd.h"
#include "launch/attributes.h"
#include "launch/cgroup-files.h"
#include "launch/children.h"
#include "launch/hooks.h"
#include "launch/journal.h"
#include "launch/listener.h"
#include "launch/outer-box.h"
#include "launch/peer.h"
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
    pid_t first;                /* the container's first process, where that is another one; 0 */
    int listener;               /* connected; -1 */
    int streams[BERTH_STREAMS]; /* what the process has as its standard descriptors */
} Outside;

/* clone3(2) returns twice, as fork(2) does. The new process is berthd's child, which is who waits
 * for it. */
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

/* Afterwards only: what was sent to the other end of a socket that nobody holds is lost. */
static void tell_pid(Outside *outside) {
    berth_fd_clear(&outside->inside->peer);
    berth_fail_set_peer(outside->peer);
    if (!berth_peer_send_process(BERTH_SOCKET_FD, BERTH_LAUNCH_PROCESS, outside->pid,
                                 outside->pidfd))
        _exit(BERTH_EXIT_LAUNCH);
}

static void open_joined(BerthInside *inside) {
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
        /* For children, of which the container is one. */
        if (entry->flag == CLONE_NEWPID && setns(inside->joined[i], CLONE_NEWPID) < 0)
            berth_fail_errno("join namespace", entry->path);
    }
}

static uint64_t get_clone_flags(const BerthSetup *setup) {
    const BerthNamespace *user = berth_setup_find_namespace(setup, CLONE_NEWUSER);
    const BerthNamespace *pid = berth_setup_find_namespace(setup, CLONE_NEWPID);

    return (user && !user->path ? CLONE_NEWUSER : 0u) | (pid && !pid->path ? CLONE_NEWPID : 0u);
}

static void send_to_inside(const Outside *outside, BerthLaunchMessage message, int fd) {
    if (!berth_peer_send(outside->peer, message, NULL, fd))
        _exit(BERTH_EXIT_LAUNCH);
}

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

static void send_trees(const Outside *outside) {
    const BerthSetup *setup = outside->inside->setup;
    BerthFault fault;
    BerthTrees trees = {setup, open_userns(outside)};
    berth_autofd int root =
        berth_trees_make_root(&trees, BERTH_DIRECTORY_FD, BERTH_SNAPSHOTS_FD, &fault);

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
        bool bound = device->type != S_IFIFO && (trees.userns >= 0 || setup->layers.texts);
        berth_autofd int node = bound ? berth_trees_make_device(&trees, device, &fault) : -1;
        if (bound && node < 0)
            berth_fail_with("device", &fault);
        send_to_inside(outside, BERTH_LAUNCH_TREE, node);
    }
}

/* What is executed later is in the container's, as that is by then. */
static void set_up_cgroup(const Outside *outside) {
    BerthFault fault;

    if (outside->first > 0)
        return;
    berth_autofd int cgroup = berth_attributes_open_cgroup(outside->pid);
    if (!berth_cgroup_files_write(outside->inside->setup, cgroup, &fault))
        berth_fail_with("cgroup", &fault);
}

static void run_hooks(const Outside *outside, BerthHookStage stage, const char *status) {
    BerthFault fault;

    if (outside->inside->setup->hooks[stage].count == 0)
        return;
    if (!berth_trees_enter_host(&fault) ||
        !berth_hooks_run(outside->inside->setup, stage, status, outside->pid, &fault))
        berth_fail_with("hooks", &fault);
}

/* Networks are JSON documents that an administrator wrote, plugins and what they answer: a program
 * of its own reads them. It speaks to berthd itself if it fails. */
static void connect_network(const Outside *outside) {
    const BerthSetup *setup = outside->inside->setup;
    char pid[16];
    char *arguments[] = {(char *)"berth-network", (char *)"connect", (char *)setup->id, pid, NULL};
    BerthFault fault;

    if (!setup->network)
        return;
    /* Plugins are the host's, and so is what they keep. */
    if (!berth_trees_enter_host(&fault))
        berth_fail_with("network", &fault);
    snprintf(pid, sizeof pid, "%d", (int)outside->pid);
    int status = berth_child_run(arguments, -1, BERTH_DIRECTORY_FD + 1);
    if (status < 0)
        berth_fail_errno("network", NULL);
    if (WIFEXITED(status) && WEXITSTATUS(status) == BERTH_EXIT_LAUNCH)
        berth_fail_silently(BERTH_EXIT_LAUNCH);
    if (status != 0)
        berth_fail("network", NULL, "berth-network ended before it was done", BERTH_EXIT_LAUNCH);
}

/* Standard output comes first. */
static void connect_stream(Outside *outside, int fd) {
    bool output =
        outside->inside->output_to_journal && outside->streams[STDOUT_FILENO] == STDOUT_FILENO;
    BerthFault fault;

    if (!berth_journal_connect(fd, outside->inside->setup->id, &fault))
        berth_fail_with("journal", &fault);
    outside->streams[output ? STDOUT_FILENO : STDERR_FILENO] = fd;
}

/* For a checkpoint, which is not to be had without. */
static void note_streams(const Outside *outside) {
    BerthStreams streams;

    if (outside->first > 0 || outside->inside->setup->terminal)
        return;
    berth_streams_name(&streams, outside->streams, outside->pid);
    berth_streams_write(&streams, BERTH_DIRECTORY_FD, NULL);
}

static void hand_over(const Outside *outside, int filter) {
    const BerthSetup *setup = outside->inside->setup;
    bool other = outside->first > 0;
    BerthFault fault;

    if (!berth_listener_send(outside->listener, setup, filter, outside->pid,
                             other ? "running" : "creating", other ? outside->first : outside->pid,
                             &fault))
        berth_fail_with("system call filter", &fault);
}

/* Answers what the process inside asks until it has become the command. */
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
            hand_over(outside, fd);
            berth_fd_clear(&fd);
        } else if (letter == BERTH_LAUNCH_NAMESPACES) {
            connect_network(outside);
            run_hooks(outside, BERTH_HOOK_PRESTART, "created");
            run_hooks(outside, BERTH_HOOK_CREATE_RUNTIME, "created");
            send_to_inside(outside, BERTH_LAUNCH_HOOKS_DONE, -1);
        } else if (letter == BERTH_LAUNCH_SET_ATTRIBUTES) {
            set_up_cgroup(outside);
            if (!berth_attributes_set(outside->inside->setup, outside->pid, &fault))
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

/* Namespaces that are joined, and hooks that run inside before the root is changed, are files of
 * the host's: the container's mount namespace must come from the host's then, not from the
 * service's. */
static void enter_host_early(const BerthSetup *setup) {
    bool wanted = setup->hooks[BERTH_HOOK_CREATE_CONTAINER].count > 0;
    BerthFault fault;

    for (uint32_t i = 0; i < setup->namespace_count; i++)
        wanted = wanted || setup->namespaces[i].path;
    if (!wanted)
        return;
    if (!berth_trees_enter_host(&fault) || !berth_trees_reopen(BERTH_DIRECTORY_FD, &fault) ||
        !berth_trees_reopen(BERTH_SNAPSHOTS_FD, &fault))
        berth_fail_with("namespaces", &fault);
}

void berth_outside_create(BerthInside *inside) {
    Outside outside = {.pidfd = -1, .listener = -1};

    open_sockets(&outside, inside);
    enter_host_early(inside->setup);
    open_joined(inside);
    outside.pid = clone_inside(get_clone_flags(inside->setup), -1, &outside.pidfd);
    if (outside.pid < 0)
        berth_fail_errno("process", NULL);
    if (outside.pid == 0) {
        berth_fd_clear(&outside.peer);
        berth_inside_run(inside);
    }
    /* From here on: the one inside has the capabilities and the filter of its own container. */
    berth_outer_box_enter();
    tell_pid(&outside);
    send_trees(&outside);
    serve(&outside);
}

int berth_outside_find_namespaces(pid_t pid) {
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

pid_t berth_outside_read_pid(int pidfd) {
    return (pid_t)berth_fd_get_info(0, pidfd, "Pid");
}

void berth_outside_exec(BerthInside *inside, int init) {
    pid_t first = berth_outside_read_pid(init);
    Outside outside = {.pidfd = -1, .first = first, .listener = -1};

    if (first <= 0)
        berth_fail("container", NULL, "its first process has ended", BERTH_EXIT_LAUNCH);
    int flags = berth_outside_find_namespaces(first);
    berth_autofd int cgroup = berth_attributes_open_cgroup(first);
    open_sockets(&outside, inside);
    if (setns(init, CLONE_NEWPID) < 0)
        berth_fail_errno("namespaces", "of the container");
    outside.pid = clone_inside(0, cgroup, &outside.pidfd);
    if (outside.pid < 0)
        berth_fail_errno("process", NULL);
    if (outside.pid == 0) {
        berth_fd_clear(&outside.peer);
        berth_inside_join(inside, init, flags);
    }
    berth_outer_box_enter();
    tell_pid(&outside);
    berth_attributes_follow(first, outside.pid);
    serve(&outside);
}
