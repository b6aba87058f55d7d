/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * References to images in registries: HOST[:PORT]/PATH, followed by :TAG, :TAG@DIGEST or @DIGEST.
 * Only remotes take a reference apart; everything else treats it as an opaque name.
 */

#pragma once

#include "base/error.h"

typedef struct {
    char *locator; /* host and path */
    char *object;  /* "tag", "tag@digest" or "@digest" */
    char *host;    /* including its port */
    char *path;    /* of the repository, without the leading slash */
    char *tag;     /* "" if there is none */
    char *digest;  /* as written after "@", unchecked; "" if there is none */
} BerthReference;

/* Fails with InvalidReference: "hostname required", "object required", "invalid reference …". */
BerthReference *berth_reference_parse(const char *text, GError **error);
void berth_reference_free(BerthReference *reference);

/* The normal form: as given, without a query string. The caller frees it. */
char *berth_reference_format(const BerthReference *reference);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthReference, berth_reference_free)
