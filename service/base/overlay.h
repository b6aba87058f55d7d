/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Overlay mounts from directory descriptors: no path, so no limit on the number of layers and no
 * race about what a path means. Images are mounted nodev, so that device nodes in them cannot be
 * used; every mount of layers is made here. */

#pragma once

#include "base/error.h"

/*
 * A detached mount of layers (topmost first), writable through upper and work, or read-only where
 * those are -1. A single layer without an upper becomes a read-only clone of its directory.
 * Returns a mount descriptor (fsmount(2)), or -1.
 */
int berth_overlay_mount(const int *layers, unsigned count, int upper, int work, GError **error);

/*
 * A detached clone of mount that is nosuid as well, and whose flags its holder cannot clear. The
 * flags of a mount that is merely passed on are not safe: its holder can take it into a user
 * namespace of its own, where mount_setattr(2) may clear them. Takes a process for a moment.
 */
int berth_overlay_lock(int mount, GError **error);
