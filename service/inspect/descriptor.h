/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors in documents: in a manifest, an index, or the index of an archive. */

#pragma once

#include "base/descriptor.h"
#include "base/platform.h"

#include <json-c/json.h>

/* Reads and checks one. fallback_type stands in for a mediaType that is missing or empty; without
 * it, mediaType is required. The size is 0 if it is missing. */
BerthDescriptor *berth_descriptor_read_json(json_object *object, const char *fallback_type,
                                            GError **error);

/* Reads a platform from the members of an object: of "platform" in a descriptor, or of an image
 * configuration. Returns NULL with error. */
BerthPlatform *berth_inspect_platform(json_object *object, GError **error);
/* Reads the platform of a descriptor. One without a platform is valid; *platform is then NULL. */
bool berth_descriptor_read_platform(json_object *object, BerthPlatform **platform, GError **error);
