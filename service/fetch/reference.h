/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * References to images in registries: HOST[:PORT]/PATH, then :TAG, :TAG@DIGEST or @DIGEST. Only
 * remotes take a reference apart; everything else treats it as an opaque name.
 */

#pragma once

#include "base/error.h"

typedef struct {
    char *locator; /* host and path */
    char *object;  /* "tag", "tag@digest" or "@digest" */
    char *host;    /* with its port */
    char *path;    /* of the repository, without the leading slash */
    char *tag;     /* "" if there is none */
    char *digest;  /* as it was written after "@", not checked; "" if there is none */
} BerthReference;

/* Errors are InvalidReference: "hostname required", "object required", "invalid reference …". */
BerthReference *berth_reference_parse(const char *text, GError **error);
void berth_reference_free(BerthReference *reference);

/* The normal form: what was given, without a query string. Caller frees. */
char *berth_reference_format(const BerthReference *reference);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthReference, berth_reference_free)
