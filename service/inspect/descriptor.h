/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors in documents: in a manifest, an index, or the index of an archive. */

#pragma once

#include "base/descriptor.h"

#include <json-glib/json-glib.h>

/* Reads and checks one. Without fallback_type, mediaType, digest and size are all required; with
 * it, as in archives, only the digest is. */
BerthDescriptor *berth_descriptor_read_json(JsonObject *object, const char *fallback_type,
                                            GError **error);
