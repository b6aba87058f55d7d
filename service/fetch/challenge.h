/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Challenges of a registry: WWW-Authenticate (RFC 9110 section 11.6.1), of which Bearer as the
 * distribution project's token specification uses it is what can be answered. */

#pragma once

#include "base/error.h"

typedef struct {
    char *realm, *service, *scope; /* service may be "" */
} BerthChallenge;

/* Finds the Bearer challenge in header lines; Unauthorized names what there is instead. */
BerthChallenge *berth_challenge_parse(const char *headers, GError **error);
void berth_challenge_free(BerthChallenge *challenge);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthChallenge, berth_challenge_free)
