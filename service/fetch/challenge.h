/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Challenges of a registry: WWW-Authenticate (RFC 9110 section 11.6.1). Bearer, as the distribution
 * project's token specification uses it, is answered before Basic. */

#pragma once

#include "base/error.h"

typedef struct {
    bool is_basic;                 /* otherwise Bearer */
    char *realm, *service, *scope; /* of Bearer; service may be "" */
} BerthChallenge;

/* Finds what can be answered in header lines; Unauthorized names what there is instead. A Bearer
 * challenge for a repository names a scope, that of a registry's root does not. */
BerthChallenge *berth_challenge_parse(const char *headers, bool needs_scope, GError **error);
void berth_challenge_free(BerthChallenge *challenge);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthChallenge, berth_challenge_free)
