/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Images and artifacts whose files a new container mounts. */

#pragma once

#include "containers/core/container.h"
#include "containers/spec/options.h"

/* Called once, in a later turn of the loop. pinned: the layers and blobs, which are kept from
 * collection until the set is freed; the caller's, NULL with an error. */
typedef void (*BerthMountedImagesRead)(BerthPins *pins, const GError *error, void *userdata);

/* Whether there are any. */
bool berth_mounted_images_given(const BerthCreateOptions *options);

/* Finds what the mounts of options show, and completes them. The options stay the caller's, and
 * must not change meanwhile. */
void berth_mounted_images_read(BerthContainers *containers, BerthCreateOptions *options,
                               BerthMountedImagesRead read, void *userdata);
