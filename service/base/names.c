/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each check implements one complete grammar, so that a caller picks the check by how the name will
 * be used: as a file name, as part of a unit name, or as displayed text. There is no state.
 */

#include "base/names.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

enum { MAX_LABEL = 64, MAX_NAME = 1024, MAX_MEDIA_TYPE = 255 };

bool berth_name_is_label(const char *name) {
    size_t length = strlen(name);
    bool well_formed = length > 0 && length <= MAX_LABEL && g_ascii_isalnum(name[0]);

    for (size_t i = 0; well_formed && i < length; i++)
        well_formed = g_ascii_isalnum(name[i]) || strchr("_.-", name[i]);
    return well_formed;
}

/* The texts are complete, so that each can be translated with the noun that it has. */
bool berth_name_check_container(const char *id, GError **error) {
    return berth_name_is_label(id) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid container id \"%.100s\": use [A-Za-z0-9][A-Za-z0-9_.-]*, "
                           "up to %d",
                           id, MAX_LABEL);
}

bool berth_name_check_pod(const char *name, GError **error) {
    return berth_name_is_label(name) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid pod name \"%.100s\": use [A-Za-z0-9][A-Za-z0-9_.-]*, "
                           "up to %d",
                           name, MAX_LABEL);
}

bool berth_name_check_network(const char *name, GError **error) {
    return berth_name_is_label(name) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid network name \"%.100s\": use [A-Za-z0-9][A-Za-z0-9_.-]*, "
                           "up to %d",
                           name, MAX_LABEL);
}

bool berth_name_check_volume(const char *name, GError **error) {
    return berth_name_is_label(name) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid volume name \"%.100s\": use [A-Za-z0-9][A-Za-z0-9_.-]*, "
                           "up to %d",
                           name, MAX_LABEL);
}

bool berth_name_check_lease(const char *id, GError **error) {
    return berth_name_is_label(id) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid lease id \"%.100s\": use [A-Za-z0-9][A-Za-z0-9_.-]*, "
                           "up to %d",
                           id, MAX_LABEL);
}

bool berth_name_check_process(const char *id, GError **error) {
    return berth_name_is_label(id) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid process id \"%.100s\": use [A-Za-z0-9][A-Za-z0-9_.-]*, "
                           "up to %d",
                           id, MAX_LABEL);
}

bool berth_name_is_acted_on(gunichar c) {
    bool turns_direction = c == 0x061c || c == 0x200e || c == 0x200f ||
                           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);

    return g_unichar_iscntrl(c) || turns_direction;
}

/* Also refuses control characters of Unicode, not only of ASCII: a terminal interprets U+009B like
 * ESC [. The bus passes only valid UTF-8. */
bool berth_name_check_printable(const char *text, const char *what, GError **error) {
    for (const char *c = text; *c; c = g_utf8_next_char(c))
        if (g_unichar_iscntrl(g_utf8_get_char(c)))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "the %s holds a control character", what);
    return true;
}

bool berth_name_is_file(const char *name) {
    return name[0] && strlen(name) <= NAME_MAX && !strchr(name, '/') && !g_str_equal(name, ".") &&
           !g_str_equal(name, "..") && g_utf8_validate(name, -1, NULL) &&
           berth_name_check_printable(name, "name", NULL);
}

static bool check_opaque(const char *text, const char *what, GError **error) {
    size_t length = strlen(text);

    if (length == 0)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "the %s is empty", what);
    if (length > MAX_NAME)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the %s has %zu bytes; at most %d are allowed", what, length,
                               MAX_NAME);
    return berth_name_check_printable(text, what, error);
}

bool berth_name_check_image(const char *name, GError **error) {
    return check_opaque(name, "image name", error);
}

bool berth_name_check_ingest(const char *ref, GError **error) {
    return check_opaque(ref, "ingest reference", error);
}

/* restricted-name of RFC 6838, section 4.2. */
static size_t restricted_name_length(const char *text) {
    size_t length = 0;

    if (!g_ascii_isalnum(text[0]))
        return 0;
    while (g_ascii_isalnum(text[length]) || (text[length] && strchr("!#$&-^_.+", text[length])))
        length++;
    return length;
}

bool berth_name_check_media_type(const char *media_type, GError **error) {
    size_t type = restricted_name_length(media_type);

    if (strlen(media_type) <= MAX_MEDIA_TYPE && type > 0 && media_type[type] == '/') {
        size_t subtype = restricted_name_length(media_type + type + 1);
        if (subtype > 0 && media_type[type + 1 + subtype] == '\0')
            return true;
    }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid media type \"%.100s\": not of the form type/subtype",
                           media_type);
}

int berth_name_compare(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Decides by the text, without a lookup: a name that resolves to the loopback address does not
 * count, but all of 127.0.0.0/8 does. */
bool berth_name_is_loopback(const char *host) {
    g_autofree char *name = g_strdup(host);
    struct in_addr v4;
    struct in6_addr v6;

    if (name[0] == '[') {
        char *end = strchr(name, ']');
        if (end)
            *end = '\0';
        return inet_pton(AF_INET6, name + 1, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    name[strcspn(name, ":")] = '\0';
    if (g_ascii_strcasecmp(name, "localhost") == 0)
        return true;
    return inet_pton(AF_INET, name, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

char *berth_name_normalize_place(const char *place) {
    size_t name = place[0] == '[' ? strcspn(place, "]/") : strcspn(place, ":/");
    if (place[name] == ']')
        name++;
    size_t host = name + strcspn(place + name, "/");
    const char *port = place + name + (place[name] == ':');

    while (*port == '0')
        port++;
    size_t port_length = (size_t)(place + host - port);
    bool is_default = port_length == 0 || (port_length == 3 && g_str_has_prefix(port, "443"));
    /* "example.com." is the absolute form of the same name (RFC 1034, section 3.1). */
    if (name > 1 && place[name - 1] == '.')
        name--;
    g_autofree char *lower = g_ascii_strdown(place, (gssize)name);
    g_autofree char *tail = g_strndup(port, port_length);
    return g_strconcat(lower, is_default ? "" : ":", is_default ? "" : tail, place + host, NULL);
}

static bool looks_like_host(const char *component) {
    return strpbrk(component, ".:") || g_str_equal(component, "localhost");
}

/* docker.io has no repositories outside of a namespace; "library/" may be left out even if the host
 * is given. "index.docker.io" is its former name. */
char *berth_name_complete_image(const char *text) {
    const char *slash = strchr(text, '/');
    g_autofree char *first = slash ? g_strndup(text, (gsize)(slash - text)) : NULL;
    bool has_host = first && looks_like_host(first);
    const char *path = has_host ? slash + 1 : text;
    bool is_hub =
        !has_host || g_str_equal(first, "docker.io") || g_str_equal(first, "index.docker.io");

    return g_strconcat(is_hub ? "docker.io" : first, "/",
                       is_hub && !strchr(path, '/') ? "library/" : "", path,
                       strpbrk(path, ":@") ? "" : ":latest", NULL);
}

/* 1 to 65535, without a sign. */
static bool is_port(const char *text) {
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 5 && text[digits] == '\0' &&
           g_ascii_strtoull(text, NULL, 10) <= 65535 && g_ascii_strtoull(text, NULL, 10) > 0;
}

/* A name, an IPv4 address, or an IPv6 address in brackets (RFC 3986, section 3.2.2). */
bool berth_name_is_host(const char *host) {
    const char *end = host;

    if (host[0] == '[') {
        end += 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
        if (*end++ != ']')
            return false;
    } else {
        while (g_ascii_isalnum(*end) || (*end && strchr(".-_", *end)))
            end++;
        if (end == host || host[0] == '.' || host[0] == '-')
            return false;
    }
    return *end == ':' ? is_port(end + 1) : *end == '\0';
}

/* The length of "[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*" at the start of text; 0 if there is none. */
static size_t path_component_length(const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strspn(text, letters);

    while (length > 0) {
        size_t dashes = strspn(text + length, "-"), lines = strspn(text + length, "_");
        size_t separator = dashes > 0                 ? dashes
                           : lines == 1 || lines == 2 ? lines
                           : text[length] == '.'      ? 1
                                                      : 0;
        size_t more = strspn(text + length + separator, letters);
        if (separator == 0 || more == 0)
            break;
        length += separator + more;
    }
    return length;
}

bool berth_name_is_repository(const char *path) {
    enum { MAX_REPOSITORY = 255 };
    size_t length;

    if (strlen(path) > MAX_REPOSITORY)
        return false;
    while ((length = path_component_length(path)) > 0 && path[length] == '/')
        path += length + 1;
    return length > 0 && path[length] == '\0';
}

/* At most 128 word characters, "." and "-", beginning with a word character. */
bool berth_name_is_tag(const char *tag) {
    enum { MAX_TAG = 128 };
    size_t length = 0;

    while (g_ascii_isalnum(tag[length]) || (tag[length] && strchr("_.-", tag[length])))
        length++;
    return length > 0 && length <= MAX_TAG && tag[length] == '\0' && tag[0] != '.' && tag[0] != '-';
}

enum { MAX_DESCRIPTOR_NAME = 255 };

/* The rule for FDNAME= in sd_notify(3): at most 255 printable ASCII characters, without colons,
 * which separate the names in LISTEN_FDNAMES. */
bool berth_name_is_descriptor(const char *name) {
    size_t length = strlen(name);

    for (const char *c = name; *c; c++)
        if (!g_ascii_isprint(*c) || *c == ':')
            return false;
    return length > 0 && length <= MAX_DESCRIPTOR_NAME;
}
