/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A dump is written to a new directory next to the previous one. It is synced, and then replaces
 * the previous one by a rename, so that one of the two is always complete. A BerthDump is one run
 * of the process; CRIU's own output is a log in the new directory.
 */

#include "checkpoint/checkpoint.h"

#include "base/fd.h"
#include "checkpoint/criu.h"
#include "launch/host.h"
#include "launch/inside.h"
#include "launch/mounts.h"
#include "launch/peer.h"
#include "launch/streams.h"
#include "launch/trees.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool dump_refuse(const char *what, GError **error) {
    return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           "a container with %s cannot be checkpointed", what);
}

bool berth_checkpoint_set_fault(GError **error, const BerthFault *fault) {
    return berth_error_set(error, BERTH_ERROR_INTERNAL, "%s", fault->text);
}

/* Refuses everything that CRIU cannot write to disk, or that Berth could not recreate for the
 * restore, by name and before CRIU runs: CRIU's own errors describe what it has found in the
 * kernel. */
bool berth_checkpoint_check(const BerthSetup *setup, GError **error) {
    if (setup->terminal)
        return dump_refuse("a terminal", error);
    if (setup->network)
        return dump_refuse("a network", error);
    if (!berth_setup_find_namespace(setup, CLONE_NEWPID))
        return dump_refuse("the pid namespace of the host", error);
    for (uint32_t i = 0; i < setup->namespace_count; i++)
        if (setup->namespaces[i].path)
            return dump_refuse("a namespace that it joined", error);
    for (int stage = 0; stage < BERTH_HOOK_COUNT; stage++)
        if (stage != BERTH_HOOK_POSTSTOP && setup->hooks[stage].count > 0)
            return dump_refuse("hooks", error);
    for (uint32_t i = 0; i < setup->device_count; i++)
        if (berth_inside_has_loose_device(setup, &setup->devices[i]))
            return dump_refuse("devices outside of a /dev of its own", error);
    return true;
}

/* Returns the path of the directory in the host's mount namespace, since CRIU takes paths. */
char *berth_checkpoint_enter_host(GError **error) {
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", BERTH_DIRECTORY_FD);
    BerthFault fault;

    if (!berth_host_enter(&fault) || !berth_host_reopen(BERTH_DIRECTORY_FD, &fault)) {
        berth_checkpoint_set_fault(error, &fault);
        return NULL;
    }
    return g_file_read_link(link, error);
}

/* One line of proc_pid_mountinfo(5). */
typedef struct {
    unsigned number, parent;
    const char *device, *root, *point, *type;
} Mount;

/* Paths contain no spaces: the kernel writes them as \040. */
static bool dump_read_mount(char **fields, Mount *mount) {
    guint dash = 0;

    if (g_strv_length(fields) < 9)
        return false;
    /* Any number of optional fields, terminated by "-". */
    for (dash = 6; fields[dash] && !g_str_equal(fields[dash], "-"); dash++)
        ;
    if (!fields[dash] || !fields[dash + 1])
        return false;
    *mount = (Mount){(unsigned)g_ascii_strtoull(fields[0], NULL, 10),
                     (unsigned)g_ascii_strtoull(fields[1], NULL, 10),
                     fields[2],
                     fields[3],
                     fields[4],
                     fields[dash + 1]};
    return true;
}

typedef struct {
    GHashTable *given; /* mount from outside → its key */
    char *dev;         /* the device number of /dev, if Berth has created it; or NULL */
    GPtrArray *arguments;
} Mounts;

/* Destinations may go through links in the image, so the kernel is asked which mounts they are. */
static void find_given(Mounts *mounts, const BerthSetup *setup, int root) {
    for (uint32_t i = 0; i < setup->mount_count; i++) {
        const BerthMount *mount = &setup->mounts[i];
        bool cgroup = berth_mounts_is_cgroup(mount);
        if (!cgroup && !berth_trees_has(mount))
            continue;
        berth_autofd int file =
            berth_fd_open_in_root(root, mount->destination, O_PATH | O_CLOEXEC, 0);
        if (file < 0)
            continue;
        unsigned number = (unsigned)berth_fd_get_info(0, file, "mnt_id");
        g_hash_table_replace(mounts->given, GUINT_TO_POINTER(number),
                             cgroup ? g_strdup("cgroup") : g_strdup_printf("mount-%u", i));
    }
}

static bool dump_add_mount(Mounts *mounts, const Mount *mount, GError **error) {
    gpointer number = GUINT_TO_POINTER(mount->number);
    const char *key = g_hash_table_lookup(mounts->given, number);
    const char *above = g_hash_table_lookup(mounts->given, GUINT_TO_POINTER(mount->parent));

    if (g_str_equal(mount->point, "/dev") && g_str_equal(mount->type, "tmpfs") && key)
        mounts->dev = g_strdup(mount->device);
    /* A masked file: the container's /dev/null is mounted over it. */
    if (!key && g_strcmp0(mount->device, mounts->dev) == 0 && g_str_equal(mount->root, "/null"))
        key = "null";
    /* A submount of a recursive bind mount, as in /sys with the host's network. */
    if (above && !key && !g_str_has_prefix(mount->point, "/dev/"))
        return berth_error_set(
            error, BERTH_ERROR_UNSUPPORTED,
            "a container with mounts of the host below its own, as %s, cannot be "
            "checkpointed",
            mount->point);
    if (!key || g_str_equal(mount->point, "/"))
        return true;
    /* The kernel escapes special characters with a backslash (\040 for a space), which CRIU would
     * take literally; and CRIU reads a mount point up to "]". */
    if (strpbrk(mount->point, "]\\"))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "cannot pass the mount point %s to CRIU", mount->point);
    berth_criu_add(mounts->arguments, "--external=mnt[%s]:%s", mount->point, key);
    return true;
}

static bool dump_add_mounts(Mounts *mounts, const BerthSetup *setup, pid_t pid, GError **error) {
    g_autofree char *root_path = g_strdup_printf("/proc/%d/root", (int)pid);
    g_autofree char *path = g_strdup_printf("/proc/%d/mountinfo", (int)pid);
    berth_autofd int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_autofree char *text = NULL;
    bool good = true;

    if (root < 0)
        return berth_error_set_errno(error, errno, "open the container's root");
    if (!g_file_get_contents(path, &text, NULL, error))
        return false;
    find_given(mounts, setup, root);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; good && *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, " ", -1);
        Mount mount;
        if (dump_read_mount(fields, &mount))
            good = dump_add_mount(mounts, &mount, error);
    }
    return good;
}

static bool dump_add_streams(BerthStreams *streams, GPtrArray *arguments, GError **error) {
    BerthFault fault;

    if (!berth_streams_read(streams, BERTH_DIRECTORY_FD, &fault))
        return berth_checkpoint_set_fault(error, &fault);
    for (int i = 0; i < BERTH_STREAMS; i++) {
        const char *name = streams->names[i];
        if (g_str_has_prefix(name, BERTH_STREAM_FOREIGN))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "standard descriptor %d is a socket of another network "
                                   "namespace%s, which CRIU cannot write to disk",
                                   i, i == 0 ? "" : ", as to the journal after a restore");
        if (g_str_has_prefix(name, "socket:"))
            berth_criu_add(arguments, "--external=unix%s", name + strlen("socket:"));
        else if (g_str_has_prefix(name, "file[") || g_str_has_prefix(name, "tty["))
            berth_criu_add(arguments, "--external=%s", name);
    }
    return true;
}

static bool dump_run_criu(const BerthDump *dump, const char *images, GError **error) {
    g_autofree char *log = g_build_filename(images, "dump.log", NULL);
    g_autoptr(GHashTable) given = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_autoptr(GPtrArray) arguments = berth_criu_new("dump", images, log);
    BerthStreams streams;
    BerthFault fault;
    Mounts mounts = {given, NULL, arguments};

    berth_criu_add(arguments, "--tree=%d", (int)dump->pid);
    if (dump->leave_running)
        berth_criu_add(arguments, "--leave-running");
    bool good = dump_add_mounts(&mounts, dump->setup, dump->pid, error);
    g_free(mounts.dev);
    if (!good || !dump_add_streams(&streams, arguments, error))
        return false;
    berth_autofd int directory =
        openat(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_NEW, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!berth_streams_write(&streams, directory, &fault))
        return berth_checkpoint_set_fault(error, &fault);
    return berth_criu_run(arguments, log, dump->id, error);
}

/* The previous dump is removed only now that the new one is on disk, and first of it the file that
 * makes it complete. If this process is killed before the rename, the next restore completes the
 * removal and the rename (adopt_new in restore.c). */
static bool replace_last_dump(GError **error) {
    berth_autofd int file =
        openat(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_NEW, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (file < 0 || syncfs(file) < 0)
        return berth_error_set_errno(error, errno, "write the checkpoint to disk");
    if (unlinkat(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_IMAGES "/inventory.img", 0) < 0 &&
        errno != ENOENT)
        return berth_error_set_errno(error, errno, "remove the last checkpoint");
    return berth_fd_remove_tree(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_IMAGES, error) &&
           (renameat(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_NEW, BERTH_DIRECTORY_FD,
                     BERTH_CHECKPOINT_IMAGES) == 0 ||
            berth_error_set_errno(error, errno, "rename the checkpoint"));
}

bool berth_checkpoint_dump(const BerthDump *dump, GError **error) {
    g_autofree char *directory = berth_checkpoint_enter_host(error);

    if (!directory || !berth_fd_remove_tree(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_NEW, error))
        return false;
    g_autofree char *images = g_build_filename(directory, BERTH_CHECKPOINT_NEW, NULL);
    /* CRIU reads some images from within the container's user namespace. The directories above keep
     * other users out. */
    umask(022);
    if (mkdirat(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_NEW, 0755) < 0)
        return berth_error_set_errno(error, errno, "make %s", images);
    if (dump_run_criu(dump, images, error))
        return replace_last_dump(error);
    berth_fd_remove_tree(BERTH_DIRECTORY_FD, BERTH_CHECKPOINT_NEW, NULL);
    return false;
}
