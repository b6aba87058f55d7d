/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads credentials from options and from auth files, and passes them to another process.
 * Credentials belong to the request that they came with. The one thing to know: every copy made
 * here is overwritten before it is freed, and none is in a buffer that grows, since realloc(3)
 * leaves the old one behind. Only the tree of a parsed auth file is freed as it is: its files
 * remain readable for the process anyway.
 */

#include "base/credentials.h"

#include "base/document.h"
#include "base/fd.h"
#include "base/names.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Of credentials in a file. Those of a call are smaller, and an auth file is limited to as much. */
enum { MAX_CREDENTIALS_BYTES = 1024 * 1024 };

/* explicit_bzero(3) is not optimised away, even though the memory is freed right afterwards. */
void berth_secret_free(char *secret) {
    if (secret)
        explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

void berth_credentials_free(BerthCredentials *credentials) {
    if (!credentials)
        return;
    berth_secret_free(credentials->username);
    berth_secret_free(credentials->password);
    berth_secret_free(credentials->identity_token);
    berth_secret_free(credentials->registry_token);
    g_free(credentials);
}

void berth_secrets_free(BerthSecrets secrets) {
    for (char **text = secrets; text && *text; text++)
        explicit_bzero(*text, strlen(*text));
    g_strfreev(secrets);
}

GBytes *berth_secrets_take_text(char *text, size_t size) {
    return g_bytes_new_with_free_func(text, size, (GDestroyNotify)berth_secret_free, text);
}

static const struct {
    const char *key;
    size_t offset;
} members[] = {
    {"Username", offsetof(BerthCredentials, username)},
    {"Password", offsetof(BerthCredentials, password)},
    {"IdentityToken", offsetof(BerthCredentials, identity_token)},
    {"RegistryToken", offsetof(BerthCredentials, registry_token)},
};

/* Returns NULL for a key that is not in the table. */
static char **find_auth_member(BerthCredentials *credentials, const char *key) {
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        if (g_str_equal(members[i].key, key))
            return (char **)G_STRUCT_MEMBER_P(credentials, members[i].offset);
    return NULL;
}

void berth_credentials_list_pairs(const BerthCredentials *credentials, BerthCredentialPairs pairs) {
    size_t count = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        const char *value = G_STRUCT_MEMBER(char *, credentials, members[i].offset);
        if (value) {
            pairs[count++] = members[i].key;
            pairs[count++] = value;
        }
    }
    pairs[count] = NULL;
}

/* Credentials become parts of HTTP header fields, where a line break would begin another field. */
static bool is_clean(const char *value) {
    for (; *value; value++)
        if (g_ascii_iscntrl(*value))
            return false;
    return true;
}

/* If a key is given twice, the last value wins. A user name without a password gets an empty
 * one. */
BerthCredentials *berth_credentials_read_pairs(char *const *pairs, GError **error) {
    g_autoptr(BerthCredentials) credentials = NULL;

    for (; pairs && pairs[0]; pairs += 2) {
        if (!credentials)
            credentials = g_new0(BerthCredentials, 1);
        char **member = find_auth_member(credentials, pairs[0]);
        if (!member || !is_clean(pairs[1])) {
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                            member ? "the credential \"%.50s\" holds a control character"
                                   : "unknown kind of credential \"%.50s\"",
                            pairs[0]);
            return NULL;
        }
        berth_secret_free(*member);
        *member = g_strdup(pairs[1]);
    }
    if (credentials && credentials->username && !credentials->password)
        credentials->password = g_strdup("");
    return g_steal_pointer(&credentials);
}

/* Each string with its NUL. They are written one by one, since putting them together in memory
 * would make another copy. */
int berth_credentials_make_file(const char *const *pairs, GError **error) {
    berth_autofd int fd = memfd_create("credentials", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool good = fd >= 0;

    for (; good && *pairs; pairs++)
        good = berth_fd_write_all(fd, *pairs, strlen(*pairs) + 1);
    if (!good || !berth_fd_seal(fd)) {
        berth_error_set_errno(error, errno, "make a file in memory");
        return -1;
    }
    return berth_fd_steal(&fd);
}

BerthCredentials *berth_credentials_read_file(int fd, GError **error) {
    g_autoptr(GPtrArray) pairs = g_ptr_array_new();
    size_t size;
    char *text = berth_fd_read_whole(fd, MAX_CREDENTIALS_BYTES, &size, error);

    if (!text)
        return NULL;
    for (char *string = text; string < text + size; string += strlen(string) + 1)
        g_ptr_array_add(pairs, string);
    /* A key without a value is left out. */
    g_ptr_array_set_size(pairs, (int)(pairs->len - pairs->len % 2));
    g_ptr_array_add(pairs, NULL);
    BerthCredentials *credentials = berth_credentials_read_pairs((char **)pairs->pdata, error);
    explicit_bzero(text, size);
    g_free(text);
    return credentials;
}

/* BERTH_AUTH_KEY_HUB_URL and BERTH_AUTH_KEY_HUB are the same registry, schemes are ignored, and
 * hosts are compared in the form written by berth_name_normalize_place(). */
static char *normalize_key(const char *key) {
    static const char *const hub[] = {"index.docker.io", "registry-1.docker.io",
                                      "registry.hub.docker.com"};
    const char *scheme = strstr(key, "://");
    g_autofree char *bare = g_strdup(scheme ? scheme + 3 : key);

    for (size_t length = strlen(bare); length > 0 && bare[length - 1] == '/';)
        bare[--length] = '\0';
    if (g_str_has_suffix(bare, "/v1") || g_str_has_suffix(bare, "/v2"))
        bare[strlen(bare) - 3] = '\0';
    g_autofree char *normal = berth_name_normalize_place(bare);
    for (size_t i = 0; i < G_N_ELEMENTS(hub); i++)
        if (g_str_equal(normal, hub[i]))
            return g_strdup(BERTH_AUTH_KEY_HUB);
    return g_steal_pointer(&normal);
}

/* Returns the key of map that is the longest prefix of locator, in whole components; NULL if there
 * is none. As in podman and docker, a key written like the locator precedes a URL. */
static const char *find_key(json_object *map, const char *locator) {
    g_autofree char *wanted = normalize_key(locator);
    const char *best = NULL;
    size_t best_length = 0;

    if (!map)
        return NULL;
    json_object_object_foreach(map, key, value) {
        g_autofree char *name = normalize_key(key);
        size_t length = strlen(name);
        bool is_better =
            length > best_length || (length == best_length && g_str_has_prefix(locator, key));
        if (is_better && g_str_has_prefix(wanted, name) &&
            (wanted[length] == '\0' || wanted[length] == '/')) {
            best = key;
            best_length = length;
        }
    }
    return best;
}

/* "auth" is base64 of USER:PASSWORD. A user name contains no colon, a password may (RFC 7617,
 * section 2). Every intermediate copy is overwritten. */
static bool split_auth(const char *auth, BerthCredentials *credentials) {
    gsize size = 0;
    char *decoded = (char *)g_base64_decode(auth, &size);
    char *text = g_strndup(decoded, size);
    char *colon = strchr(text, ':');
    bool good = colon && is_clean(text);

    if (good) {
        credentials->username = g_strndup(text, (gsize)(colon - text));
        credentials->password = g_strdup(colon + 1);
    }
    if (decoded)
        explicit_bzero(decoded, size);
    explicit_bzero(text, size);
    g_free(decoded);
    g_free(text);
    return good;
}

/* Leaves *result unchanged if the entry is empty: docker leaves such entries behind for registries
 * whose credentials are kept by a helper. */
static bool read_auth_entry(json_object *auths, const char *key, BerthCredentials **result,
                            GError **error) {
    g_autoptr(BerthCredentials) credentials = g_new0(BerthCredentials, 1);
    const char *auth, *identity_token, *registry_token, *username, *password;
    json_object *entry;

    if (!berth_document_get_object(auths, key, &entry, error))
        return false;
    if (!entry)
        return true;
    if (!berth_document_get_string(entry, "auth", &auth, error) ||
        !berth_document_get_string(entry, "identitytoken", &identity_token, error) ||
        !berth_document_get_string(entry, "registrytoken", &registry_token, error) ||
        !berth_document_get_string(entry, "username", &username, error) ||
        !berth_document_get_string(entry, "password", &password, error))
        return false;
    if (auth && auth[0] && !split_auth(auth, credentials))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"auth\" of %.200s is not a user name and password", key);
    /* docker reads these as well, if there is no "auth". They become parts of a header. */
    if (!credentials->username && username && username[0] && is_clean(username) &&
        is_clean(password ? password : "")) {
        credentials->username = g_strdup(username);
        credentials->password = g_strdup(password ? password : "");
    }
    credentials->identity_token =
        g_strdup(identity_token && identity_token[0] ? identity_token : NULL);
    credentials->registry_token =
        g_strdup(registry_token && registry_token[0] ? registry_token : NULL);
    if (credentials->username || credentials->identity_token || credentials->registry_token)
        *result = g_steal_pointer(&credentials);
    return true;
}

bool berth_auth_keys_are_same(const char *one, const char *other) {
    g_autofree char *normal = normalize_key(one), *compared = normalize_key(other);

    return g_str_equal(normal, compared);
}

/* A helper for a registry is asked for the key that the file names it under, unless an empty entry
 * says that it has credentials for a part of the registry. */
static const char *choose_helper_key(json_object *auths, const char *of_auths,
                                     const char *of_helper) {
    g_autofree char *part = of_auths ? normalize_key(of_auths) : NULL;
    g_autofree char *whole = normalize_key(of_helper);
    json_object *entry;

    return part && strlen(part) > strlen(whole) &&
                   json_object_object_get_ex(auths, of_auths, &entry) &&
                   json_object_is_type(entry, json_type_object) &&
                   json_object_object_length(entry) == 0
               ? of_auths
               : of_helper;
}

/* What docker and podman ask a helper for if the file has no key: the host, and for Docker Hub the
 * URL that docker stores its credentials under. */
static char *make_store_key(const char *locator) {
    g_autofree char *host = g_strndup(locator, strcspn(locator, "/"));

    return g_strdup(berth_auth_keys_are_same(host, BERTH_AUTH_KEY_HUB) ? BERTH_AUTH_KEY_HUB_URL
                                                                       : host);
}

/* In order of precedence: a helper for this registry, the entry in the file, the helper for all
 * registries. */
bool berth_auth_file_find(const char *text, size_t size, const char *locator,
                          BerthCredentials **credentials, char **helper, char **key,
                          GError **error) {
    g_autoptr(json_object) root = berth_document_parse(text, size, error);
    json_object *auths, *helpers;
    const char *store, *name = NULL;

    if (!root || !berth_document_get_object(root, "auths", &auths, error) ||
        !berth_document_get_object(root, "credHelpers", &helpers, error) ||
        !berth_document_get_string(root, "credsStore", &store, error))
        return false;
    const char *of_helper = find_key(helpers, locator);
    const char *of_auths = find_key(auths, locator);
    if (of_helper && !berth_document_get_string(helpers, of_helper, &name, error))
        return false;
    if (of_helper && name && name[0]) {
        *helper = g_strdup(name);
        *key = g_strdup(choose_helper_key(auths, of_auths, of_helper));
        return true;
    }
    if (of_auths && !read_auth_entry(auths, of_auths, credentials, error))
        return false;
    if (*credentials || !store || !store[0])
        return true;
    *helper = g_strdup(store);
    *key = of_auths ? g_strdup(of_auths) : make_store_key(locator);
    return true;
}
