/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A bind mount as a detached tree. There are three kinds: by a privilege, which root opens and
 * which may show anything; of its owner's, whose files are the container root's; and owned, which
 * is both of its owner's and needs no privilege. Of an owned one everything is decided here and
 * not by what was true when the container was created: the path is opened as the owner, what was
 * opened must be the owner's, and that descriptor is what is mounted.
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

/* group/main.c says which they are. The user's own group is the first. */
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
           berth_fault_set(fault, "berth-group does not say the groups of user %u", user);
}

/* The group that the container's root stands for on a mount of this group. A directory of a user's
 * may be of a group that the user is not in (/var/mail/USER, or what an administrator has made with
 * chown(1) alone). The kernel then lets the user make no set-group-ID file of that group there; a
 * container's root that stands for the group could. It stands for a group that the user could have
 * made such a file of anyway. */
static gid_t choose_group(const Groups *groups, gid_t group) {
    for (size_t i = 0; i < groups->count; i++)
        if (groups->list[i] == group)
            return group;
    return groups->list[0];
}

/* Takes the place of another user for access to files, and comes back. With the file system's user
 * ID the capabilities that override permissions go and come (capabilities(7)); no other process has
 * more rights over this one meanwhile, as it would with setresuid(2). The caller's groups are only
 * those that have to be put back. */
static bool set_file_user(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    if (setgroups(count, groups) < 0)
        return false;
    setfsgid(group);
    setfsuid(user);
    /* These calls report no error: an invalid argument makes them say what is set. */
    return setfsuid((uid_t)-1) == (int)user && setfsgid((gid_t)-1) == (int)group;
}

/* Magic links of /proc are not followed: the path may have one by now, and they would lead to the
 * descriptors of this process. */
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

/* A device of the owner's, such as a terminal, opens with the mount: its driver is not the owner's
 * to give. */
static bool check_source_owner(const BerthMount *mount, int source, BerthFault *fault) {
    struct stat status;

    if (fstat(source, &status) < 0)
        return berth_fault_set_errno(fault, errno, "examine %s", mount->source);
    if ((int64_t)status.st_uid != mount->owner)
        return berth_fault_set(fault, "%s does not belong to user %u any more", mount->source,
                               (unsigned)mount->owner);
    return (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) ||
           berth_fault_set(fault, "%s is a device", mount->source);
}

/* The map of a mount that stands for its owner: the owner of the source is the container's root, or
 * the user that keeps its id there. No
 * other ID is mapped: the kernel shows files with others as nobody's, and lets nobody write to them
 * or use a capability on them. */
static int make_owner_map(const BerthTrees *trees, const BerthMount *mount, int source,
                          const Groups *groups, BerthFault *fault) {
    BerthRange uid = {(uint32_t)mount->owner, 0, 1}, gids[2] = {{0, 0, 1}};
    BerthRanges uid_map = {&uid, 1}, gid_map = {gids, 1};
    struct stat status;

    if (fstat(source, &status) < 0 ||
        !berth_userns_map(&trees->setup->uid_ranges, mount->stands_uid, &uid.outside) ||
        !berth_userns_map(&trees->setup->gid_ranges, mount->stands_gid, &gids[0].outside)) {
        berth_fault_set(fault, "mount %s: there is no root to map to", mount->destination);
        return -1;
    }
    gids[0].inside = choose_group(groups, status.st_gid);
    /* Without this one, nothing could be made in a directory of another group. It is mapped to
     * itself, which shows as nobody in the container. */
    if (gids[0].inside != status.st_gid)
        gids[gid_map.count++] = (BerthRange){status.st_gid, status.st_gid, 1};
    return berth_userns_new(&uid_map, &gid_map, fault);
}

/* The map of a bind mount: one of its own, the owner of the source as the container's root, or the
 * container's. */
static int make_map(const BerthTrees *trees, const BerthMount *mount, int source,
                    const Groups *groups, BerthFault *fault) {
    if (mount->owner >= 0)
        return make_owner_map(trees, mount, source, groups, fault);
    if (mount->uid_ranges.count > 0)
        return berth_userns_new(&mount->uid_ranges, &mount->gid_ranges, fault);
    int copy = trees->userns < 0 ? -1 : fcntl(trees->userns, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        berth_fault_set(fault, "mount %s: \"idmap\" needs a user namespace or mappings",
                        mount->destination);
    return copy;
}

/* Not every file system supports ID maps. A map that the configuration asks for must succeed, and
 * so must that of an owned mount; any other owner's is a convenience, and the mount does without.
 */
static bool apply_map(const BerthTrees *trees, const BerthMount *mount, int source, int tree,
                      const Groups *groups, BerthFault *fault) {
    bool optional = mount->owner >= 0 && !mount->owned;

    if (mount->idmap == BERTH_IDMAP_NONE || (optional && trees->userns < 0))
        return true;
    if (mount->owned && trees->userns < 0)
        return berth_fault_set(fault, "mount %s: the container has no user namespace",
                               mount->destination);
    berth_autofd int map = make_map(trees, mount, source, groups, fault);
    if (map < 0)
        return false;
    return berth_tree_set_attributes(tree, 0, 0, 0, map, mount->idmap == BERTH_IDMAP_RECURSIVE,
                                     mount->source, optional ? NULL : fault) ||
           optional;
}

/* As the owner, or as root by a privilege. */
static int open_source(const BerthMount *mount, Groups *groups, BerthFault *fault) {
    berth_autofd int source = -1;

    groups->list[0] = 0;
    groups->count = 1;
    if (mount->owner > 0 && !find_groups((uid_t)mount->owner, groups, fault))
        return -1;
    source = mount->owned ? open_as_user(mount->source, (uid_t)mount->owner, groups, fault)
                          : open(mount->source, O_PATH | O_CLOEXEC);
    if (source < 0 && !mount->owned)
        berth_fault_set_errno(fault, errno, "mount %s: open %s", mount->destination, mount->source);
    if (source < 0 ||
        (mount->has_inode &&
         !berth_tree_check_inode(source, mount->source, mount->device, mount->inode, fault)) ||
        (mount->owned && !check_source_owner(mount, source, fault)))
        return -1;
    return berth_fd_steal(&source);
}

/* What a mount of the host forbids is its administrator's word: an owned mount takes options away
 * and never gives one back, "rw" included. */
static bool set_owned_flags(int tree, const BerthMount *mount, BerthFault *fault) {
    return berth_tree_set_attributes(
        tree, mount->set | mount->set_below | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, MS_PRIVATE,
        -1, false, mount->source, fault);
}

static bool set_flags(int tree, const BerthMount *mount, BerthFault *fault) {
    /* A clone is in the peer group of its source: without a propagation of its own, mounts in the
     * container would appear on the host. */
    uint64_t propagation = mount->propagation ? mount->propagation : MS_PRIVATE | MS_REC;

    /* From the widest to the narrowest: this mount may differ from those below it. */
    return berth_tree_set_attributes(tree, mount->set_below, mount->clear_below, 0, -1, true,
                                     mount->source, fault) &&
           berth_tree_set_attributes(tree, mount->set, mount->clear, 0, -1, false, mount->source,
                                     fault) &&
           berth_tree_set_attributes(tree, 0, 0, propagation & ~(uint64_t)MS_REC, -1,
                                     propagation & MS_REC, mount->source, fault);
}

int berth_bind_tree_make(const BerthTrees *trees, const BerthMount *mount, BerthFault *fault) {
    static Groups groups; /* larger than a stack should hold */

    if (!berth_host_enter(fault))
        return -1;
    berth_autofd int source = open_source(mount, &groups, fault);
    /* What is mounted below an owned directory belongs to others, and stays outside. */
    berth_autofd int tree =
        source < 0 ? -1 : berth_tree_clone(source, mount->recursive && !mount->owned, fault);
    if (tree < 0 || !apply_map(trees, mount, source, tree, &groups, fault) ||
        !(mount->owned ? set_owned_flags : set_flags)(tree, mount, fault))
        return -1;
    return berth_fd_steal(&tree);
}
