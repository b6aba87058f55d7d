/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bearer tokens: asks the server named in a challenge for one, anonymously, with a user name and
 * password (GET), or with an OAuth2 refresh token (POST), as in the distribution project's token
 * and OAuth2 specifications.
 */

#pragma once

#include "base/credentials.h"
#include "fetch/challenge.h"
#include "fetch/http.h"

typedef struct {
    char *text;
    int64_t expires_usec; /* CLOCK_MONOTONIC */
} BerthToken;

typedef struct {
    sd_event *event; /* for waiting if the server is overloaded */
    BerthHttp *http;
    const char *locator; /* for messages */
    const BerthChallenge *challenge;
    const char *more_scope; /* in addition to the challenge's, or NULL */
    const BerthCredentials *credentials;
    const BerthTls *tls;
    bool may_be_plain;
} BerthTokenRequest;

/* token: the callee frees it; NULL with error. */
typedef void (*BerthTokenDone)(BerthToken *token, const GError *error, void *userdata);

/* Asks the token server. False with error if it may not be asked; otherwise done is called once. */
bool berth_token_request(const BerthTokenRequest *request, BerthTokenDone done, void *userdata,
                         GError **error);
bool berth_token_is_fresh(const BerthToken *token);
void berth_token_free(BerthToken *token);

/* Parses a token server's response (a JSON object). Unauthorized if it holds no usable token. */
BerthToken *berth_token_read(const char *data, size_t size, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthToken, berth_token_free)
