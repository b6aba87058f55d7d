/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts of images and artifacts, as options of Create ask for them. What they show is known when
 * their documents have been read (containers/mounted-images.h).
 */

#pragma once

#include "containers/spec/mounts.h"

/* Whether the options of a mount have "image" or "artifact" among them; and the request. */
bool berth_image_mount_is(char *const *options);
BerthMountRequest *berth_image_mount_new(const char *source, const char *destination,
                                         char **options, GError **error);

/* The directories of the image's layers, topmost first. */
void berth_image_mount_set_layers(BerthMountRequest *request, char *const *layers);

/* A blob of an artifact, in this directory of the host; number: its place among those that are
 * mounted, of which there are count. title: its name, "" for none. */
typedef struct {
    const char *directory, *digest, *title;
    guint number, count;
} BerthArtifactFile;
BerthMountRequest *berth_image_mount_new_file(const BerthMountRequest *request,
                                              const BerthArtifactFile *file);
