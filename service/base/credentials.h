/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Credentials for registries, and the files in which podman (containers-auth.json(5)) and docker
 * (config.json) keep them. All memory is overwritten before it is freed. Between processes they
 * pass in a file in memory: a message is built in a buffer that grows, and leaves copies behind.
 */

#pragma once

#include "base/error.h"

#include <stddef.h>

typedef struct {
    char *username, *password;
    char *identity_token; /* an OAuth2 refresh token */
    char *registry_token; /* a bearer token, sent unchanged */
} BerthCredentials;

void berth_credentials_free(BerthCredentials *credentials);

/* The inverse of berth_credentials_read_pairs(): a NULL-terminated list of the keys that are set,
 * each followed by its value. The strings still belong to the credentials. */
typedef const char *BerthCredentialPairs[9];
void berth_credentials_list_pairs(const BerthCredentials *credentials, BerthCredentialPairs pairs);

/* Reads the keys Username, Password, IdentityToken and RegistryToken, each followed by its value.
 * Returns NULL without an error if there are none; an unknown key leads to InvalidArgument. */
BerthCredentials *berth_credentials_read_pairs(char *const *pairs, GError **error);

/* Makes a sealed file in memory with such keys and values, which berth_credentials_read_file() of
 * another process reads. Returns -1 with error set on failure. */
int berth_credentials_make_file(const char *const *pairs, GError **error);
/* Like berth_credentials_read_pairs(), for a file. Does not close fd. */
BerthCredentials *berth_credentials_read_file(int fd, GError **error);

/* Looks up a locator ("registry.example.com/web/app") in an auth file: the entry for the longest
 * prefix applies. If the file refers to a helper program instead, sets *helper to its name and *key
 * to the server address to pass to it. Both remain NULL if there is nothing. The caller frees all
 * of them. */
bool berth_auth_file_find(const char *text, size_t size, const char *locator,
                          BerthCredentials **credentials, char **helper, char **key,
                          GError **error);

/* Docker Hub has two keys: podman's, which dist used for helpers, too, and docker's. */
#define BERTH_AUTH_KEY_HUB "docker.io"
#define BERTH_AUTH_KEY_HUB_URL "https://index.docker.io/v1/"

/* Whether two keys of an auth file are for the same registry, or for the same part of one. */
bool berth_auth_keys_are_same(const char *one, const char *other);

/* Overwrites a string and frees it; NULL is ignored. */
void berth_secret_free(char *secret);
/* Such keys and values, or other string vectors that must not remain in freed memory. */
typedef char **BerthSecrets;
/* Overwrites all strings and frees the vector; NULL is ignored. */
void berth_secrets_free(BerthSecrets secrets);
/* Wraps a text as bytes that are overwritten before they are freed. Takes ownership of the text. */
GBytes *berth_secrets_take_text(char *text, size_t size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthCredentials, berth_credentials_free)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(BerthSecrets, berth_secrets_free, NULL)
