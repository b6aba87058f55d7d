/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes and recognizes device nodes; see overlay-form.h. There is no state. */

#include "unpack/overlay-form.h"

#include "base/keeper.h"

#include <sys/sysmacros.h>

bool berth_overlay_is_whiteout(const struct stat *status) {
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

int berth_overlay_make_node(int parent, const char *name, mode_t mode, dev_t device) {
    bool is_device = S_ISBLK(mode) || (S_ISCHR(mode) && device != makedev(0, 0));

    mode &= S_IFMT | 0777;
    return is_device ? berth_keeper_make_device(parent, name, mode, device)
                     : mknodat(parent, name, mode, device);
}

int berth_overlay_make_whiteout(int parent, const char *name) {
    return berth_overlay_make_node(parent, name, S_IFCHR, makedev(0, 0));
}
