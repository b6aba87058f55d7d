/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The first filling of a volume. What the image has is copied into a directory of the volume, which
 * has one name while the copy is made and another one once it is complete; then its entries are
 * moved up, one rename(2) each. So a filling that fails or is killed is never taken for a whole
 * one: the next start removes an incomplete copy and makes it again, and moves up what is left of a
 * complete one. Apart from the copy nothing in the volume is removed or replaced. Works in the
 * container's namespaces, by descriptors; links are never followed, since other containers may have
 * the volume, too.
 */

#include "launch/volume-fill.h"

#include "bare/fd.h"
#include "launch/copy-up.h"
#include "launch/entries.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define INCOMPLETE ".berth-filling"
#define COMPLETE ".berth-filled"

enum { MAX_DEPTH = 260 /* a copy's (copy-up.c), and its own directory's */ };

static int volume_open_directory(int parent, const char *name) {
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* userdata: how deep the directory is. */
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

/* EEXIST: a container that did not wait for the filling has made it, and its own stays. */
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

static bool copy_aside(int source, int volume, BerthFault *fault) {
    if (mkdirat(volume, INCOMPLETE, 0700) < 0)
        return berth_fault_set_errno(fault, errno, "fill the volume");
    berth_autofd int copy = volume_open_directory(volume, INCOMPLETE);
    if (copy < 0)
        return berth_fault_set_errno(fault, errno, "fill the volume");
    return berth_copy_up(source, copy, false, fault) &&
           (renameat(volume, INCOMPLETE, volume, COMPLETE) == 0 ||
            berth_fault_set_errno(fault, errno, "fill the volume"));
}

/* The copy has its directory's owner and mode as well: the image of this start may be another one.
 */
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

    /* Of containers that are started at once, one fills the volume. */
    if (flock(volume, LOCK_EX | LOCK_NB) < 0)
        return true;
    if (fstatat(volume, COMPLETE, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
        return move_all_up(volume, fault);
    if (!remove_tree(volume, INCOMPLETE))
        return berth_fault_set_errno(fault, errno, "empty the volume");
    return !is_empty(volume) || (copy_aside(source, volume, fault) && move_all_up(volume, fault));
}
