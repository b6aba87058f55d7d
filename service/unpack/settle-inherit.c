/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Gives a directory that a layer implies without listing it its attributes: those that it has in
 * the layers below. Its time is noted for the end of settling, since the steps that follow change
 * its contents. There is no state besides the tree's.
 */

#include "unpack/settle-inherit.h"

#include "base/fd.h"
#include "unpack/attributes.h"
#include "unpack/tree-names.h"
#include "unpack/tree-notes.h"

#include <errno.h>

bool berth_settle_inherit(BerthTree *tree, int lower, const char *path, bool *found,
                          GError **error) {
    const char *name = berth_tree_path_or_dot(path);
    struct stat status;
    berth_autofd int from =
        lower < 0 ? -1 : berth_fd_open_real(lower, name, O_RDONLY | O_DIRECTORY, 0);

    *found = from >= 0;
    if (from < 0)
        return true;
    berth_autofd int to = berth_fd_open_real(tree->root, name, O_RDONLY | O_DIRECTORY, 0);
    if (to < 0 || fstat(from, &status) < 0)
        return berth_error_set_errno(error, errno, "open \"%.200s\"", path);
    return (!tree->default_acl || berth_attributes_clear_xattrs(to, path, error)) &&
           berth_attributes_copy(from, to, path, error) &&
           berth_tree_add_time(tree, path, &status.st_mtim, error);
}
