/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See overlay-form.h. */

#include "unpack/overlay-form.h"

#include <sys/sysmacros.h>

bool berth_overlay_is_whiteout(const struct stat *status) {
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

int berth_overlay_make_node(int parent, const char *name, mode_t mode, dev_t device) {
    return mknodat(parent, name, mode & (S_IFMT | 0777), device);
}

int berth_overlay_make_whiteout(int parent, const char *name) {
    return berth_overlay_make_node(parent, name, S_IFCHR, makedev(0, 0));
}
