/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* docker's and podman's names for what "dist inspect --format" prints about an image. */

#pragma once

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>

/* Adds to an image's configuration, whose text this is, the members that templates for docker use:
 * Id, which is the digest of the configuration (OCI image specification, config.md), Digest, Size
 * and RootFS; and with_names RepoTags and RepoDigests, which takes a listing of all images. */
bool dist_image_view_add(json_object *image, const char *text, const char *name, bool with_names,
                         GError **error);
