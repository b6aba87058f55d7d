/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Credentials of registries, and the files that podman (containers-auth.json(5)) and docker
 * (config.json) keep them in. What is freed is overwritten first.
 */

#pragma once

#include "base/error.h"

#include <stddef.h>

typedef struct {
    char *username, *password;
    char *identity_token; /* an OAuth2 refresh token */
    char *registry_token; /* a bearer token as it is */
} BerthCredentials;

void berth_credentials_free(BerthCredentials *credentials);

/* The inverse of berth_credentials_read_pairs(): the keys of those that are set, each followed by
 * its value, and NULL. The texts stay the credentials'. */
typedef const char *BerthCredentialPairs[9];
void berth_credentials_list_pairs(const BerthCredentials *credentials, BerthCredentialPairs pairs);

/* From the keys Username, Password, IdentityToken and RegistryToken, each followed by its value.
 * NULL without an error if there is none; an unknown key is InvalidArgument. */
BerthCredentials *berth_credentials_read_pairs(char *const *pairs, GError **error);

/* What an auth file says for a locator ("registry.example.com/web/app"): the entry of the longest
 * prefix of it. A file that names a helper program to ask instead answers it in helper, with the
 * server address to ask for in key. Both stay NULL if there is nothing. The caller frees. */
bool berth_auth_file_find(const char *text, size_t size, const char *locator,
                          BerthCredentials **credentials, char **helper, char **key,
                          GError **error);

/* Such keys and values, or other vectors that must not be found in freed memory. */
typedef char **BerthSecrets;
void berth_secrets_free(BerthSecrets secrets);
/* A text as bytes, which are overwritten at the end; the text is taken over. */
GBytes *berth_secrets_take_text(char *text, size_t size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthCredentials, berth_credentials_free)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(BerthSecrets, berth_secrets_free, NULL)
