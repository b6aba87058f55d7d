/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A bind mount as a detached tree, which the caller owns. There are three kinds. A privileged one
 * is opened by root and may show anything. With an owner, the owner's files belong to the
 * container's root. An owned mount is also opened as its owner, and needs no privilege. For an
 * owned mount, everything is decided here rather than by what was true when the container was
 * created: the path is opened with the owner's permissions, the opened file must belong to the
 * owner, and it is that descriptor which is mounted.
 */

#include "launch/bind-tree.h"

#include "bare/fd.h"
#include "launch/children.h"
#include "launch/host.h"
#include "launch/tree.h"
#include "launch/userns.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* The groups of a user. */
typedef struct {
    gid_t list[NGROUPS_MAX];
    size_t count;
} Groups;

/* berth-group (group/main.c) reports the groups. The user's primary group is the first one. */
static bool find_groups(uid_t user, Groups *groups, BerthFault *fault) {
    char text[16];
    char *arguments[] = {(char *)"berth-group", text, NULL};
    berth_autofd int output = memfd_create("groups", MFD_CLOEXEC);

    snprintf(text, sizeof text, "%u", user);
    int status =
        output < 0 ? -1 : berth_child_run(arguments, BERTH_CHILD_READS, output, STDERR_FILENO + 1);
    if (status < 0)
        return berth_fault_set_errno(fault, errno, "run berth-group");
    ssize_t size = pread(output, groups->list, sizeof groups->list, 0);
    groups->count = size > 0 ? (size_t)size / sizeof *groups->list : 0;
    return (status == 0 && groups->count > 0) ||
           berth_fault_set(fault, "berth-group did not report the groups of user %u", user);
}

/* The group that the container's root group maps to on a mount of a directory with this group. A
 * user's directory may have a group that the user is not in (/var/mail/USER, or one set by an
 * administrator with chown(1)). The kernel then prevents the user from creating set-group-ID files
 * of that group there, but the container's root could do so if it were mapped to it. It is
 * therefore mapped to a group for which the user could have created such a file anyway. */
static gid_t choose_group(const Groups *groups, gid_t group) {
    for (size_t i = 0; i < groups->count; i++)
        if (groups->list[i] == group)
            return group;
    return groups->list[0];
}

/* Switches to another user for file access, and back. Changing the file system user ID also
 * disables the capabilities that override permissions, and enables them again (capabilities(7)).
 * Unlike with setresuid(2), no other process gains access to this one meanwhile. groups are the
 * supplementary groups to set, which the caller must also restore. */
static bool set_file_user(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    if (setgroups(count, groups) < 0)
        return false;
    setfsgid(group);
    setfsuid(user);
    /* These calls do not report errors, but with an invalid argument they return the current
     * value. */
    return setfsuid((uid_t)-1) == (int)user && setfsgid((gid_t)-1) == (int)group;
}

/* Magic links of /proc are not followed: the path may have been replaced by one, which would lead
 * to the descriptors of this process. */
static int open_as_user(const char *path, uid_t user, const Groups *groups, BerthFault *fault) {
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    static gid_t own[NGROUPS_MAX];
    int count = getgroups(NGROUPS_MAX, own), source = -1, failure = 0;

    if (count >= 0 && set_file_user(user, groups->list[0], groups->list, groups->count)) {
        source = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
        failure = errno;
    }
    if (count < 0 || !set_file_user(0, 0, own, (size_t)count)) {
        berth_fault_set_errno(fault, errno, "act as user %u", user);
        berth_fd_clear(&source);
    } else if (source < 0) {
        berth_fault_set_errno(fault, failure, "open %s as user %u", path, user);
    }
    return source;
}

/* A device that belongs to the owner, such as a terminal, is refused: through the mount it could be
 * opened, and its driver is not the owner's to hand out. */
static bool check_source_owner(const BerthMount *mount, int source, BerthFault *fault) {
    struct stat status;

    if (fstat(source, &status) < 0)
        return berth_fault_set_errno(fault, errno, "examine %s", mount->source);
    if (status.st_uid != mount->source_uid)
        return berth_fault_set(fault, "%s does not belong to user %u any more", mount->source,
                               mount->source_uid);
    return (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) ||
           berth_fault_set(fault, "%s is a device", mount->source);
}

/* The ID map of a mount with an owner: the owner of the source becomes the container's root, or the
 * user that the caller is mapped to. No other ID is mapped: the kernel shows files with other ids
 * as nobody's, and nobody can write to them or use a capability on them. */
static int make_owner_map(const BerthTrees *trees, const BerthMount *mount, int source,
                          const Groups *groups, BerthFault *fault) {
    BerthRange uid = {mount->source_uid, 0, 1}, gids[2] = {{0, 0, 1}};
    BerthRanges uid_map = {&uid, 1}, gid_map = {gids, 1};
    struct stat status;

    if (fstat(source, &status) < 0 ||
        !berth_userns_map(&trees->setup->uid_ranges, mount->mapped_uid, &uid.outside) ||
        !berth_userns_map(&trees->setup->gid_ranges, mount->mapped_gid, &gids[0].outside)) {
        berth_fault_set(fault, "mount %s: there is no root to map to", mount->destination);
        return -1;
    }
    gids[0].inside = choose_group(groups, status.st_gid);
    /* Without this entry, nothing could be created in a directory of another group. It is mapped to
     * itself, which shows as nobody in the container. */
    if (gids[0].inside != status.st_gid)
        gids[gid_map.count++] = (BerthRange){status.st_gid, status.st_gid, 1};
    return berth_userns_new(&uid_map, &gid_map, fault);
}

/* The ID map of a bind mount: that of its owner, its own ranges, or the container's. */
static int make_map(const BerthTrees *trees, const BerthMount *mount, int source,
                    const Groups *groups, BerthFault *fault) {
    if (mount->source_owner != BERTH_SOURCE_OF_ANYBODY)
        return make_owner_map(trees, mount, source, groups, fault);
    if (mount->uid_ranges.count > 0)
        return berth_userns_new(&mount->uid_ranges, &mount->gid_ranges, fault);
    int copy = trees->userns < 0 ? -1 : fcntl(trees->userns, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        berth_fault_set(fault, "mount %s: \"idmap\" needs a user namespace or mappings",
                        mount->destination);
    return copy;
}

/* Not every file system supports ID maps. A map requested by the configuration must succeed, and so
 * must that of an owned mount. Any other owner's map is a convenience, and the mount is made
 * without it if necessary. */
static bool apply_map(const BerthTrees *trees, const BerthMount *mount, int source, int tree,
                      const Groups *groups, BerthFault *fault) {
    bool optional = mount->source_owner == BERTH_SOURCE_MAPPED;

    if (mount->idmap == BERTH_IDMAP_NONE || (optional && trees->userns < 0))
        return true;
    if (mount->source_owner == BERTH_SOURCE_OWNED && trees->userns < 0)
        return berth_fault_set(fault, "mount %s: the container has no user namespace",
                               mount->destination);
    berth_autofd int map = make_map(trees, mount, source, groups, fault);
    if (map < 0)
        return false;
    return berth_tree_set_attributes(tree, 0, 0, 0, map, mount->idmap == BERTH_IDMAP_RECURSIVE,
                                     mount->source, optional ? NULL : fault) ||
           optional;
}

/* Opened as the owner or, for a privileged mount, as root. */
static int open_source(const BerthMount *mount, Groups *groups, BerthFault *fault) {
    bool is_owned = mount->source_owner == BERTH_SOURCE_OWNED;
    berth_autofd int source = -1;

    groups->list[0] = 0;
    groups->count = 1;
    if (mount->source_uid > 0 && !find_groups(mount->source_uid, groups, fault))
        return -1;
    source = is_owned ? open_as_user(mount->source, mount->source_uid, groups, fault)
                      : open(mount->source, O_PATH | O_CLOEXEC);
    if (source < 0 && !is_owned)
        berth_fault_set_errno(fault, errno, "mount %s: open %s", mount->destination, mount->source);
    if (source < 0 ||
        (mount->has_inode &&
         !berth_tree_check_inode(source, mount->source, mount->device, mount->inode, fault)) ||
        (is_owned && !check_source_owner(mount, source, fault)))
        return -1;
    return mount->subpath ? berth_tree_open_below(source, mount->subpath, fault)
                          : berth_fd_steal(&source);
}

/* Restrictions of a mount of the host were set by its administrator. An owned mount adds options
 * that restrict, and never removes one, not even with "rw". */
static bool set_owned_flags(int tree, const BerthMount *mount, BerthFault *fault) {
    return berth_tree_set_attributes(
        tree, mount->set | mount->set_below | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, MS_PRIVATE,
        -1, false, mount->source, fault);
}

static bool set_flags(int tree, const BerthMount *mount, BerthFault *fault) {
    /* A clone is in the peer group of its source. Without a propagation setting, mounts made in the
     * container would appear on the host. */
    uint64_t propagation = mount->propagation ? mount->propagation : MS_PRIVATE | MS_REC;

    /* From the widest scope to the narrowest: this mount may differ from those below it. */
    return berth_tree_set_attributes(tree, mount->set_below, mount->clear_below, 0, -1, true,
                                     mount->source, fault) &&
           berth_tree_set_attributes(tree, mount->set, mount->clear, 0, -1, false, mount->source,
                                     fault) &&
           berth_tree_set_attributes(tree, 0, 0, propagation & ~(uint64_t)MS_REC, -1,
                                     propagation & MS_REC, mount->source, fault);
}

int berth_bind_tree_make(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault) {
    static Groups groups; /* too large for a stack */

    if (!berth_host_enter(fault))
        return -1;
    bool is_owned = mount->source_owner == BERTH_SOURCE_OWNED;
    berth_autofd int source = open_source(mount, &groups, fault);
    /* Mounts below an owned directory belong to others, and are left out. */
    berth_autofd int tree =
        source < 0 ? -1 : berth_tree_clone(source, mount->recursive && !is_owned, fault);
    if (tree < 0 || !apply_map(trees, mount, source, tree, &groups, fault) ||
        !(is_owned ? set_owned_flags : set_flags)(tree, mount, fault))
        return -1;
    return berth_fd_steal(&tree);
}
