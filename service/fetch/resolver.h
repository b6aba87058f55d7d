/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Resolving: what an object of a repository is, its media type, digest and size, without its body.
 * A digest is asked for as a manifest, then as a blob; a tag as a manifest.
 */

#pragma once

#include "base/descriptor.h"
#include "fetch/remote.h"

typedef void (*BerthResolved)(const BerthDescriptor *target, const GError *error, void *userdata);

/* remotes: of BerthRemote, asked one after another until one knows; the last one's error counts.
 * object: a tag or a digest. media_types: what to accept, or NULL for manifests and indexes.
 * with_get: by what GET answers, if HEAD is known or likely to say something else. */
void berth_resolve(GPtrArray *remotes, const char *object, char *const *media_types, bool with_get,
                   BerthResolved done, void *userdata);

/* What is asked for by a reference: its digest if it has one, otherwise its tag. An incomplete
 * or unknown digest is InvalidReference. */
const char *berth_resolve_get_object(const BerthReference *reference, GError **error);
