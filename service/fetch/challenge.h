/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Challenges of a registry: WWW-Authenticate (RFC 9110 section 11.6.1). Bearer, as in the
 * distribution project's token specification, is preferred to Basic.
 */

#pragma once

#include "base/error.h"

typedef struct {
    bool is_basic; /* otherwise Bearer */
    /* For Bearer; service may be "", scope NULL or several, separated by blanks. */
    char *realm, *service, *scope;
} BerthChallenge;

/* Finds a challenge that can be answered in header lines, each of which may hold several; otherwise
 * fails with Unauthorized, naming the schemes found. A Bearer challenge that has no scope for the
 * repository also gets the given one (NULL for requests that do not concern a repository): some
 * registries only send a realm, and a token without a scope grants nothing. */
BerthChallenge *berth_challenge_parse(const char *headers, const char *scope, GError **error);
void berth_challenge_free(BerthChallenge *challenge);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthChallenge, berth_challenge_free)
