/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The only place where device nodes are made. A whiteout is a character device 0:0, which anybody
 * may make; for opaque directories see attributes.h.
 */

#pragma once

#include "base/error.h"

#include <sys/stat.h>

#define BERTH_OVERLAY_XATTR_PREFIX "trusted.overlay."

/* Whether the status is that of a whiteout. */
bool berth_overlay_is_whiteout(const struct stat *status);

/* 0, or -1 with errno. mode includes the type. */
int berth_overlay_make_node(int parent, const char *name, mode_t mode, dev_t device);
int berth_overlay_make_whiteout(int parent, const char *name);
