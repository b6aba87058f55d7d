/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Overlay mounts from directory descriptors: no path, so no limit on the number of layers and no
 * race about what a path means. Images are mounted nodev, so that device nodes in them cannot be
 * used; every mount of layers is made here. */

#pragma once

/*
 * A detached mount of layers (topmost first), writable through upper and work, or read-only where
 * those are -1. A single layer without an upper becomes a read-only clone of its directory.
 * source is what the table of mounts shows as such; NULL for none. A clone has that of its file
 * system instead. Returns a mount descriptor (fsmount(2)), or -1 with errno.
 */
int berth_overlay_mount(const int *layers, unsigned count, int upper, int work, const char *source);
