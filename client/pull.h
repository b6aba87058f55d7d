/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pulls or resolves an image, for dist pull and on behalf of other verbs. */

#pragma once

#include "client/image-call.h"
#include "client/option.h"

/* --retry and --retry-delay, for every verb that pulls. */
extern const DistOption dist_retry_options[];

/* Calls Pull or Fetch, repeated as --retry requests. Prints the image's name, or printed if there
 * is none; nothing if printed is NULL. name: a complete reference. */
bool dist_pull_as(const char *member, const char *name, const DistImageOptions *options,
                  const char *printed, GError **error);

/* Pulls the image and prints only the progress. name: a complete reference. */
bool dist_pull(const char *name, bool insecure, GError **error);

/* The digest that the registry has for the name; NULL with error. The caller frees it. */
char *dist_resolve(const char *name, GError **error);
