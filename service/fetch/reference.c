/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A reference is parsed once and not changed. The grammar is the distribution project's, except
 * that a host is required: dist completes short names, because otherwise the service would decide
 * which registry a name means.
 */

#include "fetch/reference.h"

#include "base/names.h"

#include <string.h>

enum { MAX_REFERENCE_BYTES = 1024 };

void berth_reference_free(BerthReference *reference) {
    if (!reference)
        return;
    g_free(reference->locator);
    g_free(reference->object);
    g_free(reference->host);
    g_free(reference->path);
    g_free(reference->tag);
    g_free(reference->digest);
    g_free(reference);
}

static bool set_invalid_reference(const char *text, const char *why, GError **error) {
    return berth_error_set(error, BERTH_ERROR_INVALID_REFERENCE, "invalid reference \"%.200s\": %s",
                           text, why);
}

/* Every character allowed in a reference can be part of a URL unescaped: nothing is ever decoded.
 */
static bool check_characters(const char *text, GError **error) {
    if (strlen(text) > MAX_REFERENCE_BYTES)
        return set_invalid_reference(text, "it is longer than 1024 bytes", error);
    for (const char *c = text; *c; c++) {
        if (*c == '%')
            return set_invalid_reference(text, "percent-encoding is not allowed", error);
        if (!g_ascii_isgraph(*c) || strchr("\\\"<>^`{|}#", *c))
            return set_invalid_reference(text, "it contains an invalid character", error);
    }
    return true;
}

/* Text before an "@" would be credentials in a URL (RFC 3986, section 3.2.1). */
static bool check_host(const char *text, const char *host, GError **error) {
    if (strchr(host, '@'))
        return set_invalid_reference(
            text, "it must not contain a user name or password; use credentials", error);
    return berth_name_is_host(host) ||
           set_invalid_reference(text, "the host or its port is not valid", error);
}

/* No "." and ".." among others, which HTTP servers and libcurl resolve (RFC 3986, section 5.2.4),
 * so they could lead out of the repository. */
static bool check_path(const char *text, const char *path, GError **error) {
    g_autofree char *lower = g_ascii_strdown(path, -1);

    if (berth_name_is_repository(path))
        return true;
    return set_invalid_reference(text,
                                 berth_name_is_repository(lower)
                                     ? "the path of the repository must be in lower case"
                                     : "the path of the repository is not valid",
                                 error);
}

/* "tag", "@digest" or "tag@digest". The digest's algorithm is checked when it is used. */
static bool split_object(BerthReference *reference, const char *text, GError **error) {
    char *at = strchr(reference->object, '@');

    reference->tag =
        at ? g_strndup(reference->object, at - reference->object) : g_strdup(reference->object);
    reference->digest = g_strdup(at ? at + 1 : "");
    if (at && reference->digest[0] == '\0')
        return set_invalid_reference(text, "the digest after \"@\" is empty", error);
    if (strchr(reference->digest, '@') || strchr(reference->digest, '/'))
        return set_invalid_reference(text, "the digest is not valid", error);
    /* It is empty before a digest. */
    return (at && reference->tag[0] == '\0') || berth_name_is_tag(reference->tag) ||
           set_invalid_reference(text, "the tag is not valid", error);
}

BerthReference *berth_reference_parse(const char *text, GError **error) {
    g_autoptr(BerthReference) reference = g_new0(BerthReference, 1);
    /* A query string is dropped; only the reference itself counts. */
    g_autofree char *bare = g_strndup(text, strcspn(text, "?"));

    if (!check_characters(bare, error))
        return NULL;
    if (strstr(bare, "://")) {
        set_invalid_reference(text, "leave out the scheme", error);
        return NULL;
    }
    const char *slash = strchr(bare, '/');
    if (!slash || slash == bare) {
        berth_error_set(error, BERTH_ERROR_INVALID_REFERENCE,
                        "invalid reference \"%.200s\": hostname required", text);
        return NULL;
    }
    size_t path_length = strcspn(slash, ":@");
    const char *separator = slash + path_length;
    bool has_object = *separator != '\0' && separator[1] != '\0';
    if (!has_object || (*separator == ':' && separator[1] == '@')) {
        berth_error_set(error, BERTH_ERROR_INVALID_REFERENCE,
                        "invalid reference \"%.200s\": object required, a tag or a digest", text);
        return NULL;
    }
    reference->host = g_strndup(bare, slash - bare);
    reference->path = g_strndup(slash + 1, path_length - 1);
    reference->locator = g_strndup(bare, separator - bare);
    /* The "@" belongs to the object, the ":" does not. */
    reference->object = g_strdup(*separator == '@' ? separator : separator + 1);
    if (!check_host(text, reference->host, error) || !check_path(text, reference->path, error) ||
        !split_object(reference, text, error))
        return NULL;
    return g_steal_pointer(&reference);
}

char *berth_reference_format(const BerthReference *reference) {
    return g_strconcat(reference->locator, reference->object[0] == '@' ? "" : ":",
                       reference->object, NULL);
}
