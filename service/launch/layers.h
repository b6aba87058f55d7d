/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The layers of an image as one overlay mount: of the container's root, or of an image that the
 * container mounts.
 */

#pragma once

#include "bare/overlay.h"
#include "launch/tree.h"

/* Topmost first. */
typedef struct {
    int fds[BERTH_MAX_LAYERS];
    unsigned count;
    unsigned within; /* so many of the topmost are directories of the writable mount */
} BerthLayers;

/* Adds the directories of these names, mapped to the container's IDs if it has a user namespace. */
bool berth_layers_open(BerthLayers *layers, const BerthTrees *trees, int snapshots,
                       const BerthTexts *names, BerthFault *fault);

/* A detached mount: writable through upper and work, which are in writable, or, where these are -1,
 * read-only. */
int berth_layers_mount(const BerthLayers *layers, const BerthTrees *trees, int writable, int upper,
                       int work, BerthFault *fault);

void berth_layers_close(BerthLayers *layers);
