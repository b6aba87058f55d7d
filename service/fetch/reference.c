/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A reference is parsed once and not changed. The grammar is the distribution project's, except
 * that a host is required: dist completes short names, because otherwise the service would decide
 * which registry a name means.
 */

#include "fetch/reference.h"

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

/* 1 to 65535, without a sign. */
static bool is_port(const char *text) {
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 5 && text[digits] == '\0' &&
           g_ascii_strtoull(text, NULL, 10) <= 65535 && g_ascii_strtoull(text, NULL, 10) > 0;
}

/* A name, an IPv4 address, or an IPv6 address in brackets (RFC 3986, section 3.2.2), each with or
 * without a port. Text before an "@" would be credentials in a URL (RFC 3986, section 3.2.1). */
static bool check_host(const char *text, const char *host, GError **error) {
    const char *name_end = host;

    if (strchr(host, '@'))
        return set_invalid_reference(
            text, "it must not contain a user name or password; use credentials", error);
    if (host[0] == '[') {
        name_end = strchr(host, ']');
        if (!name_end ||
            strspn(host + 1, "0123456789abcdefABCDEF:.") != (size_t)(name_end - host - 1))
            return set_invalid_reference(text, "the IPv6 address is not valid", error);
        name_end++;
    } else {
        while (g_ascii_isalnum(*name_end) || *name_end == '.' || *name_end == '-' ||
               *name_end == '_')
            name_end++;
        if (name_end == host || host[0] == '.' || host[0] == '-')
            return set_invalid_reference(text, "the host name is not valid", error);
    }
    if (*name_end == ':' ? !is_port(name_end + 1) : *name_end != '\0')
        return set_invalid_reference(text, "the host or its port is not valid", error);
    return true;
}

/* "." and ".." are not allowed, since HTTP servers and libcurl resolve them (RFC 3986, section
 * 5.2.4), so they could lead out of the repository. */
static bool check_path(const char *text, const char *path, GError **error) {
    g_auto(GStrv) components = g_strsplit(path, "/", -1);

    for (char **component = components; *component; component++)
        if ((*component)[0] == '\0' || g_str_equal(*component, ".") ||
            g_str_equal(*component, "..") || strspn(*component, "&=;,+$!*'()[]~") > 0)
            return set_invalid_reference(text, "a component of the path is empty or not a name",
                                         error);
    return true;
}

/* As in the distribution specification: at most 128 word characters, "." and "-", beginning with a
 * word character. */
static bool check_tag(const char *text, const char *tag, GError **error) {
    for (const char *c = tag; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("_.-", *c))
            return set_invalid_reference(text, "the tag is not valid", error);
    if (tag[0] == '.' || tag[0] == '-' || strlen(tag) > 128)
        return set_invalid_reference(text, "the tag is not valid", error);
    return true;
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
    return check_tag(text, reference->tag, error);
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
