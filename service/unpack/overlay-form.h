/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nodes are made here and nowhere else. A whiteout is a character device 0:0, which anybody may
 * make; opaque directories are in attributes.h. */

#pragma once

#include "base/error.h"

#include <sys/stat.h>

#define BERTH_OVERLAY_XATTR_PREFIX "trusted.overlay."

bool berth_overlay_is_whiteout(const struct stat *status);

/* 0, or -1 with errno. mode has type and permissions. */
int berth_overlay_make_node(int parent, const char *name, mode_t mode, dev_t device);
int berth_overlay_make_whiteout(int parent, const char *name);
