/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Resolves an object in a repository to its media type, digest and size, without its content. A
 * digest is requested as a manifest, then as a blob; a tag as a manifest.
 */

#pragma once

#include "base/descriptor.h"
#include "fetch/remote.h"

/* body: what GET has sent, which is valid until the callback returns; NULL if the target is known
 * by HEAD. */
typedef void (*BerthResolved)(const BerthDescriptor *target, const GString *body,
                              const GError *error, void *userdata);

/* remotes: of BerthRemote, asked one after another until one has the object; the error of the last
 * one counts. object: a tag or a digest. media_types: what to accept, or NULL for manifests and
 * indexes. with_get: use GET from the start, if HEAD is known or likely to return something else.
 */
void berth_resolve(GPtrArray *remotes, const char *object, char *const *media_types, bool with_get,
                   BerthResolved done, void *userdata);

/* The object that a reference asks for: its digest if it has one, otherwise its tag. An incomplete
 * or unknown digest is InvalidReference. */
const char *berth_resolve_get_object(const BerthReference *reference, GError **error);
