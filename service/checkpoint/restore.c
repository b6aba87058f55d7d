/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A restore. This process creates what CRIU cannot: the root and all mounts from outside, in its
 * own mount namespace below PLACE, and the streams. Then it forks a reporter and becomes CRIU,
 * whose processes are its siblings and therefore children of berthd. The reporter waits for CRIU to
 * end and tells berthd which process is the first one; if berthd does not reply, it kills the whole
 * scope. The mounts disappear with the namespace.
 */

#include "checkpoint/checkpoint.h"

#include "base/delegation.h"
#include "base/fd.h"
#include "base/log.h"
#include "checkpoint/criu.h"
#include "checkpoint/ghosts.h"
#include "launch/attributes.h"
#include "launch/cgroup-files.h"
#include "launch/inside.h"
#include "launch/journal.h"
#include "launch/mounts.h"
#include "launch/peer.h"
#include "launch/root-tree.h"
#include "launch/streams.h"
#include "launch/trees.h"
#include "launch/userns.h"

#include <errno.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* A mount point in this process's own mount namespace, so nobody else sees the mounts there. CRIU
 * opens paths below it from within the container's user namespace, so all users must be able to
 * search the directories on the way. */
#define PLACE "/run/berth"

#define LOG PLACE "/restore.log"
#define PIDFILE PLACE "/pid"

typedef struct {
    const BerthRestore *request;
    int scope; /* the cgroup of the scope */
    int streams[BERTH_STREAMS];
    char *images;
    GPtrArray *arguments;
} Restore;

static void restore_announce(void) {
    berth_autofd int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    if (pidfd < 0)
        berth_fail_errno("process", NULL);
    if (!berth_peer_send_process(BERTH_SOCKET_FD, BERTH_LAUNCH_PROCESS, getpid(), pidfd) ||
        berth_peer_receive(BERTH_SOCKET_FD, NULL) != BERTH_LAUNCH_GO_AHEAD)
        _exit(BERTH_EXIT_LAUNCH);
}

/* Opens the scope's cgroup before this process enters a cgroup namespace, which hides the path. The
 * name is checked, since this cgroup may be killed as a whole (give_up) and is delegated. */
static int open_scope(const char *id) {
    g_autofree char *end = g_strdup_printf("/berth-%s.scope", id);
    g_autofree char *path = berth_delegation_read_cgroup(0, NULL);

    if (!path || !g_str_has_suffix(path, end))
        berth_fail("scope", NULL, "the process is not in it", BERTH_EXIT_LAUNCH);
    int scope = berth_attributes_open_cgroup(getpid());
    if (scope < 0)
        berth_fail_errno("scope", NULL);
    return scope;
}

/* A user namespace with the container's IDs, used only for idmapped mounts: CRIU creates the
 * container's own later. */
static BerthTrees restore_make_trees(const BerthSetup *setup) {
    BerthTrees trees = {setup, -1, false};
    BerthFault fault;

    if (berth_setup_find_namespace(setup, CLONE_NEWUSER) &&
        (trees.userns = berth_userns_new(&setup->uid_ranges, &setup->gid_ranges, &fault)) < 0)
        berth_fail_with("user namespace", &fault);
    return trees;
}

/* Completes a dump whose writer was killed after the dump was complete, perhaps while it removed
 * the previous one. */
static void adopt_new(void) {
    g_autoptr(GError) error = NULL;

    if (faccessat(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_IMAGES "/inventory.img", F_OK, 0) == 0 ||
        faccessat(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_NEW "/inventory.img", F_OK, 0) < 0)
        return;
    if (!berth_fd_remove_tree(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_IMAGES, &error))
        berth_fail("checkpoint", NULL, error->message, BERTH_EXIT_LAUNCH);
    if (renameat(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_NEW, BERTH_DIRECTORY_FD,
                 BERTH_CHECKPOINT_IMAGES) < 0)
        berth_fail_errno("checkpoint", "finish it");
}

static void make_place(Restore *restore) {
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = berth_checkpoint_enter_host(&error);

    if (!directory)
        berth_fail("root", NULL, error->message, BERTH_EXIT_LAUNCH);
    adopt_new();
    if (!berth_ghosts_begin(BERTH_DIRECTORY_FD, &error))
        berth_fail("restore", NULL, error->message, BERTH_EXIT_LAUNCH);
    restore->images = g_build_filename(directory, BERTH_CHECKPOINT_IMAGES, NULL);
    if (mkdir(PLACE, 0755) < 0 && errno != EEXIST)
        berth_fail_errno("root", PLACE);
    /* This process is in the scope's cgroup by now, which the container sees as the root of its
     * hierarchy. */
    if (unshare(CLONE_NEWNS | CLONE_NEWCGROUP) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("berth", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711") < 0)
        berth_fail_errno("namespaces", NULL);
}

/* In a user namespace, the kernel allows a new sysfs only if one that is at least as open is
 * already mounted (mount_too_revealing). CRIU mounts sysfs writable first and restricts it
 * afterwards, but the host's may be read-only, and then so are all others of its network namespace.
 * Therefore one of another network namespace is mounted. */
static void show_sysfs(void) {
    static const char path[] = PLACE "/sysfs";
    berth_autofd int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (network < 0 || mkdir(path, 0700) < 0 || unshare(CLONE_NEWNET) < 0 ||
        mount("sysfs", path, "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
        setns(network, CLONE_NEWNET) < 0)
        berth_fail_errno("root", "sysfs");
}

static char *restore_attach_mounts(const char *name, int tree) {
    char *path = g_build_filename(PLACE, name, NULL);
    struct stat status;

    if (fstat(tree, &status) < 0)
        berth_fail_errno("root", name);
    if (S_ISDIR(status.st_mode) ? mkdir(path, 0700) < 0 : mknod(path, S_IFREG | 0600, 0) < 0)
        berth_fail_errno("root", path);
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        berth_fail_errno("root", path);
    return path;
}

/* Recreates the contents of the container's /dev, since mounts below it need their mount points. */
static void restore_fill_dev(const BerthSetup *setup, int dev) {
    BerthFault fault;

    for (uint32_t i = 0; i < setup->mount_count; i++) {
        const BerthMount *mount = &setup->mounts[i];
        struct stat status;
        if (!g_str_has_prefix(mount->destination, "/dev/"))
            continue;
        bool directory = !berth_mount_is_bind(mount->kind) || stat(mount->source, &status) < 0 ||
                         S_ISDIR(status.st_mode);
        if (!berth_mounts_make_point(dev, mount->destination + strlen("/dev"), directory, &fault))
            berth_fail_with("root", &fault);
    }
}

/* Adds the null device that masks files. It is read-only from the start, because CRIU restricts
 * only the first of several mounts. */
static void add_null(const Restore *restore, const char *dev) {
    g_autofree char *path = g_build_filename(dev, "null", NULL);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    berth_autofd int tree =
        (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 ||
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
        berth_fail_errno("root", path);
    g_autofree char *there = restore_attach_mounts("null", tree);
    berth_criu_add(restore->arguments, "--external=mnt[null]:%s", there);
}

static void restore_add_mount(const Restore *restore, const BerthTrees *trees, uint32_t number) {
    const BerthMount *mount = &trees->setup->mounts[number];
    g_autofree char *key = g_strdup_printf("mount-%u", number);
    BerthFault fault;
    berth_autofd int tree = -1;

    if (berth_mounts_is_cgroup(mount)) {
        g_free(key);
        key = g_strdup("cgroup");
        tree = berth_mounts_make(mount, &fault);
    } else if (berth_trees_has(mount)) {
        tree = berth_trees_make_mount(trees, mount, &fault);
    } else {
        return;
    }
    if (tree < 0)
        berth_fail_with("root", &fault);
    g_autofree char *path = restore_attach_mounts(key, tree);
    berth_criu_add(restore->arguments, "--external=mnt[%s]:%s", key, path);
    if (!berth_trees_is_dev(mount))
        return;
    restore_fill_dev(trees->setup, tree);
    add_null(restore, path);
    if (!berth_mounts_close(mount, tree, &fault))
        berth_fail_with("root", &fault);
}

static int open_stream(const BerthRestore *request, int number) {
    bool to_journal = (number == STDOUT_FILENO && request->output_to_journal) ||
                      (number == STDERR_FILENO && request->error_to_journal);
    g_autofree char *unit = g_strdup_printf("berth-%s.scope", request->id);
    BerthFault fault;

    if (!to_journal)
        return fcntl(number, F_DUPFD, BERTH_FIRST_FREE_FD);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        berth_fail_errno("journal", NULL);
    const char *tag = request->setup->log_tag;
    if (!berth_journal_connect(fd, tag ? tag : request->id, unit, &fault))
        berth_fail_with("journal", &fault);
    return fd;
}

/* Two descriptors may be the same, as after 2>&1; then the first one is used. */
static int find_same(const BerthStreams *streams, int number) {
    for (int before = 0; before < number; before++)
        if (g_str_equal(streams->names[before], streams->names[number]))
            return before;
    return -1;
}

static void restore_add_streams(Restore *restore) {
    berth_autofd int images =
        openat(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    BerthStreams streams;
    BerthFault fault;

    if (!berth_streams_read(&streams, images, &fault))
        berth_fail_with("checkpoint", &fault);
    for (int i = 0; i < BERTH_STREAMS; i++) {
        int same = find_same(&streams, i);
        int fd = same >= 0 ? restore->streams[same] : open_stream(restore->request, i);
        if (fd < 0)
            berth_fail_errno("streams", NULL);
        restore->streams[i] = fd;
        if (same < 0 && streams.names[i][0])
            berth_criu_add(restore->arguments, "--inherit-fd=fd[%d]:%s", fd, streams.names[i]);
    }
}

/* Records the streams for the next checkpoint. */
static void restore_note_streams(const Restore *restore, pid_t pid) {
    BerthStreams streams;
    BerthFault fault;

    berth_streams_name(&streams, restore->streams, pid);
    if (!berth_streams_write(&streams, BERTH_DIRECTORY_FD, &fault))
        berth_log_warning("BERTH_CONTAINER", restore->request->id, "%s", fault.text);
}

static pid_t read_pidfile(void) {
    g_autofree char *text = NULL;

    return g_file_get_contents(PIDFILE, &text, NULL, NULL) ? (pid_t)g_ascii_strtoll(text, NULL, 10)
                                                           : -1;
}

/* berthd is gone. Nobody would ever wait for the restored processes, so the whole scope is killed,
 * including this process. */
G_GNUC_NORETURN static void give_up(const Restore *restore) {
    berth_autofd int file = openat(restore->scope, "cgroup.kill", O_WRONLY | O_CLOEXEC);

    if (file >= 0)
        (void)!write(file, "1", 1);
    _exit(BERTH_EXIT_LAUNCH);
}

/* CRIU is the parent of this process and so cannot be waited for, but its pidfd becomes readable
 * when it exits (pidfd_open(2)). */
static void wait_for_criu(const Restore *restore, int criu) {
    struct pollfd ends[] = {{.fd = criu, .events = POLLIN}, {.fd = BERTH_SOCKET_FD}};

    while (poll(ends, G_N_ELEMENTS(ends), -1) < 0)
        if (errno != EINTR)
            give_up(restore);
    if (!(ends[0].revents & POLLIN))
        give_up(restore);
}

/* The reporter. CRIU is its parent until CRIU exits. */
G_GNUC_NORETURN static void report(const Restore *restore, int criu) {
    const BerthRestore *request = restore->request;
    g_autoptr(GError) error = NULL;
    BerthFault fault;

    wait_for_criu(restore, criu);
    pid_t pid = read_pidfile();
    int pidfd = pid <= 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || berth_criu_has_failed(LOG)) {
        berth_criu_explain(LOG, request->id, &error);
        berth_fail("restore", NULL, error->message, BERTH_EXIT_LAUNCH);
    }
    berth_ghosts_end(BERTH_DIRECTORY_FD);
    restore_note_streams(restore, pid);
    /* The scope is new, so its limits have to be set again. */
    if (!berth_cgroup_files_write(request->setup, restore->scope, &fault))
        berth_fail_with("cgroup", &fault);
    if (!berth_attributes_delegate(request->setup, restore->scope, &fault))
        berth_log_warning("BERTH_CONTAINER", request->id, "%s", fault.text);
    if (berth_peer_send_process(BERTH_SOCKET_FD, BERTH_LAUNCH_RESTORED, pid, pidfd) &&
        berth_peer_receive(BERTH_SOCKET_FD, NULL) == BERTH_LAUNCH_GO_AHEAD)
        _exit(EXIT_SUCCESS);
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    give_up(restore);
}

void berth_checkpoint_restore(const BerthRestore *request) {
    const BerthSetup *setup = request->setup;
    Restore restore = {.request = request};
    BerthFault fault;

    restore_announce();
    restore.scope = open_scope(request->id);
    BerthTrees trees = restore_make_trees(setup);
    int root = berth_root_tree_make(&trees, BERTH_DIRECTORY_FD, BERTH_SNAPSHOTS_FD, &fault);
    if (root < 0)
        berth_fail_with("root", &fault);
    make_place(&restore);
    show_sysfs();
    restore.arguments = berth_criu_new("restore", restore.images, LOG);
    g_autofree char *root_path = restore_attach_mounts("root", root);
    berth_criu_add(restore.arguments, "--root=%s", root_path);
    for (uint32_t i = 0; i < setup->mount_count; i++)
        restore_add_mount(&restore, &trees, i);
    restore_add_streams(&restore);
    berth_criu_add(restore.arguments, "--restore-detached");
    berth_criu_add(restore.arguments, "--restore-sibling");
    berth_criu_add(restore.arguments, "--pidfile=%s", PIDFILE);
    /* CRIU does not set these itself. */
    const BerthAttributed itself = {getpid(), -1};
    if (!berth_attributes_set_inherited(setup, &itself, &fault))
        berth_fail_with("attributes", &fault);
    if (setup->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        berth_fail_errno("no new privileges", NULL);
    berth_inside_join_keyring();
    int criu = (int)syscall(SYS_pidfd_open, getpid(), 0);
    pid_t pid = criu < 0 ? -1 : fork();
    if (pid < 0)
        berth_fail_errno("process", NULL);
    if (pid == 0)
        report(&restore, criu);
    /* The other process talks to berthd; the output of CRIU and its helpers must not appear as the
     * container's. */
    berth_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            _exit(BERTH_EXIT_LAUNCH);
    for (int fd = BERTH_SOCKET_FD; fd < BERTH_FIRST_FREE_FD; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    berth_criu_become(restore.arguments);
}
