/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See measure.h. The tree belongs to a container, which may change it at the same time and may have
 * made it as deep as it likes: the walk holds one descriptor, goes up through "..", and ends if
 * that is not the directory it came from. A file with several links is counted in equal parts, one
 * for each link.
 */

#include "unpack/measure.h"

#include "base/directory.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { MAX_MEASURED_FILES = 1000 * 1000, BLOCK_BYTES = 512 };

/* A directory between the root and the current position of the walk. */
typedef struct {
    ino_t inode;
    GPtrArray *left; /* names of its subdirectories that have not been entered yet */
} Level;

typedef struct {
    BerthMeasure *measure;
    dev_t device;
    int directory; /* of the last level */
    GArray *levels;
    unsigned files;
} MeasureWalk;

static void clear_level(gpointer data) {
    g_ptr_array_unref(((Level *)data)->left);
}

static void count_file(MeasureWalk *walk, const char *name, GPtrArray *directories) {
    struct stat status;

    /* A name may vanish between listing and examining it; other file systems do not count. */
    if (fstatat(walk->directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        status.st_dev != walk->device)
        return;
    bool is_directory = S_ISDIR(status.st_mode);
    walk->measure->bytes += (uint64_t)status.st_blocks * BLOCK_BYTES /
                            (is_directory || status.st_nlink == 0 ? 1 : status.st_nlink);
    if (is_directory)
        g_ptr_array_add(directories, g_strdup(name));
}

/* Lists the directory that the walk has entered. */
static bool add_level(MeasureWalk *walk, ino_t inode, GError **error) {
    berth_autolist DIR *list = berth_directory_list(walk->directory);
    const Level level = {inode, g_ptr_array_new_with_free_func(g_free)};
    const char *name;

    g_array_append_val(walk->levels, level);
    if (!list)
        return berth_error_set_errno(error, errno, "list a directory");
    while ((name = berth_directory_next(list))) {
        if (walk->files == MAX_MEASURED_FILES) {
            walk->measure->is_complete = false;
            break;
        }
        walk->files++;
        count_file(walk, name, level.left);
    }
    return true;
}

/* Skips a directory that is gone, or has been replaced by something else. */
static bool measure_enter_directory(MeasureWalk *walk, const char *name, GError **error) {
    berth_autofd int child =
        openat(walk->directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    if (child < 0 || fstat(child, &status) < 0 || status.st_dev != walk->device)
        return true;
    berth_fd_clear(&walk->directory);
    walk->directory = berth_fd_steal(&child);
    return add_level(walk, status.st_ino, error);
}

/* Returns to the level above; false if the directory has been moved. */
static bool measure_leave_directory(MeasureWalk *walk) {
    struct stat status;

    g_array_remove_index(walk->levels, walk->levels->len - 1);
    if (walk->levels->len == 0)
        return true;
    berth_autofd int parent = openat(walk->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || fstat(parent, &status) < 0 || status.st_dev != walk->device ||
        status.st_ino != g_array_index(walk->levels, Level, walk->levels->len - 1).inode)
        return false;
    berth_fd_clear(&walk->directory);
    walk->directory = berth_fd_steal(&parent);
    return true;
}

static bool walk_all(MeasureWalk *walk, GError **error) {
    while (walk->levels->len > 0) {
        GPtrArray *left = g_array_index(walk->levels, Level, walk->levels->len - 1).left;
        if (left->len == 0) {
            if (!measure_leave_directory(walk)) {
                walk->measure->is_complete = false;
                return true;
            }
            continue;
        }
        g_autofree char *name = g_ptr_array_steal_index_fast(left, left->len - 1);
        if (!measure_enter_directory(walk, name, error))
            return false;
    }
    return true;
}

bool berth_measure_tree(int root, BerthMeasure *measure, GError **error) {
    MeasureWalk walk = {.measure = measure, .directory = root};
    struct stat status;

    *measure = (BerthMeasure){.is_complete = true};
    if (fstat(root, &status) < 0)
        return berth_error_set_errno(error, errno, "open the directory");
    walk.device = status.st_dev;
    walk.levels = g_array_new(FALSE, FALSE, sizeof(Level));
    g_array_set_clear_func(walk.levels, clear_level);
    bool good = add_level(&walk, status.st_ino, error) && walk_all(&walk, error);
    g_array_unref(walk.levels);
    berth_fd_clear(&walk.directory);
    return good;
}
