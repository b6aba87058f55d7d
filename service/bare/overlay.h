/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Overlay mounts from directory descriptors: without paths, there is no limit on the number of
 * layers and no race about what a path refers to. Images are mounted nodev, so that device nodes in
 * them cannot be used; every mount of layers is made here.
 */

#pragma once

/* overlayfs does not stack more lower layers (OVL_MAX_STACK in the kernel's fs/overlayfs), so an
 * image has at most as many. */
enum { BERTH_MAX_LAYERS = 500 };

/* A layer whose name begins with this is not of an image, but beside the directory of those
 * (snapshots/mount-points.c). */
#define BERTH_MOUNT_POINTS "../mount-points/"

/* A detached mount of layers (topmost first), writable through upper and work, or read-only if
 * those are -1. A single layer without an upper becomes a read-only clone of its directory. source
 * is what the mount table shows as the source, or NULL; a clone has the source of its file system
 * instead. Returns a mount descriptor (fsmount(2)), or -1 with errno. */
int berth_overlay_mount(const int *layers, unsigned count, int upper, int work, const char *source);
