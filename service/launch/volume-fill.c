/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The first filling of a volume. The image's contents are copied into a directory of the volume,
 * which has one name while the copy is in progress and another one once it is complete; then its
 * entries are moved up, with one rename(2) each. Thus a filling that fails or is killed, or that a
 * power failure ends, is never mistaken for a complete one: the next start removes an incomplete
 * copy and makes a new one, and moves up what is left of a complete one. Nothing else in the volume
 * is removed or replaced. This runs in the container's namespaces, with descriptors. Links are
 * never followed, since other containers may use the volume too.
 */

#include "launch/volume-fill.h"

#include "bare/fd.h"
#include "launch/copy-up.h"
#include "launch/entries.h"
#include "launch/peer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define INCOMPLETE ".berth-filling"
#define COMPLETE ".berth-filled"

enum { MAX_DEPTH = 260 /* that of a copy (copy-up.c) plus its own directory */ };

static int volume_open_directory(int parent, const char *name) {
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* userdata is the depth of the directory. */
static bool remove_entry(int directory, const char *name, void *userdata) {
    unsigned depth = *(const unsigned *)userdata + 1;

    if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR || depth > MAX_DEPTH)
        return false;
    berth_autofd int below = volume_open_directory(directory, name);
    return below >= 0 && berth_entries_each(below, remove_entry, &depth) &&
           unlinkat(directory, name, AT_REMOVEDIR) == 0;
}

static bool remove_tree(int volume, const char *name) {
    unsigned depth = 0;

    return remove_entry(volume, name, &depth);
}

/* EEXIST: a container that did not wait for the filling has created it, and its version stays. */
static bool move_entries_up(int directory, const char *name, void *userdata) {
    int volume = *(const int *)userdata;

    return renameat2(directory, name, volume, name, RENAME_NOREPLACE) == 0 || errno == EEXIST;
}

static bool refuse_entry(int directory, const char *name, void *userdata) {
    (void)directory;
    (void)name;
    (void)userdata;
    return false;
}

static bool is_empty(int directory) {
    return berth_entries_each(directory, refuse_entry, NULL);
}

/* Files that were not written back before a power failure would be empty. syncfs(2) does this at
 * once for all of them. */
static bool sync_copy(int volume, int copy, BerthFault *fault) {
    return is_empty(copy) || syncfs(volume) == 0 ||
           berth_fault_set_errno(fault, errno, "fill the volume");
}

/* This may take longer than berthd waits for a start. */
static bool copy_aside(int source, int volume, BerthFault *fault) {
    if (mkdirat(volume, INCOMPLETE, 0700) < 0)
        return berth_fault_set_errno(fault, errno, "fill the volume");
    berth_autofd int copy = volume_open_directory(volume, INCOMPLETE);
    if (copy < 0)
        return berth_fault_set_errno(fault, errno, "fill the volume");
    berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_FILLING, NULL, -1);
    if (!berth_copy_up(source, copy, false, fault) || !sync_copy(volume, copy, fault))
        return false;
    berth_peer_send(BERTH_SOCKET_FD, BERTH_LAUNCH_FILLED, NULL, -1);
    return (renameat(volume, INCOMPLETE, volume, COMPLETE) == 0 ||
            berth_fault_set_errno(fault, errno, "fill the volume"));
}

/* The copy also has the owner and mode of its directory, since the image of this start may be a
 * different one. */
static bool move_all_up(int volume, BerthFault *fault) {
    berth_autofd int copy = volume_open_directory(volume, COMPLETE);

    if (copy < 0)
        return berth_fault_set_errno(fault, errno, "fill the volume");
    return berth_copy_up_attributes(copy, volume, fault) &&
           ((berth_entries_each(copy, move_entries_up, &volume) && remove_tree(volume, COMPLETE)) ||
            berth_fault_set_errno(fault, errno, "fill the volume"));
}

bool berth_volume_fill(int source, int volume, BerthFault *fault) {
    struct stat status;

    /* If several containers start at the same time, only one fills the volume. */
    if (flock(volume, LOCK_EX | LOCK_NB) < 0)
        return true;
    if (fstatat(volume, COMPLETE, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
        return move_all_up(volume, fault);
    if (!remove_tree(volume, INCOMPLETE))
        return berth_fault_set_errno(fault, errno, "empty the volume");
    return !is_empty(volume) || (copy_aside(source, volume, fault) && move_all_up(volume, fault));
}
