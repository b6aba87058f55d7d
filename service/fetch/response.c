/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A response belongs to its request, which resets it whenever another response begins: interim
 * responses (1xx) and redirects have headers of their own. Only headers that something uses are
 * stored.
 */

#include "fetch/response.h"

#include <curl/curl.h>
#include <string.h>

enum { MAX_WARNING_BYTES = 1024 };

static void clear_texts(BerthResponse *response) {
    char **const texts[] = {&response->content_type, &response->digest, &response->challenge,
                            &response->location,     &response->range,  &response->warnings,
                            &response->next};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_clear_pointer(texts[i], g_free);
}

void berth_response_reset(BerthResponse *response) {
    clear_texts(response);
    response->content_type = g_strdup("");
    response->digest = g_strdup("");
    response->challenge = g_strdup("");
    response->location = g_strdup("");
    response->range = g_strdup("");
    response->warnings = g_strdup("");
    response->next = g_strdup("");
    response->retry_after = -1;
    response->first_byte = -1;
    response->least_chunk = 0;
    response->is_encoded = false;
    if (response->body)
        g_string_truncate(response->body, 0);
    else
        response->body = g_string_new(NULL);
}

void berth_response_clear(BerthResponse *response) {
    clear_texts(response);
    if (response->body)
        g_string_free(response->body, TRUE);
    response->body = NULL;
}

static void response_take_text(char **text, const char *value) {
    g_free(*text);
    *text = g_strdup(value);
}

/* Adds a line for a header that may be repeated. */
static void response_add_line(char **lines, const char *value) {
    char *joined = g_strconcat(*lines, value, "\n", NULL);

    g_free(*lines);
    *lines = joined;
}

/* The text of a warning: 299 - "text" ["date"] (RFC 7234 section 5.5). It is shown to users, so it
 * is bounded and has no control characters. */
static void take_warning(BerthResponse *response, const char *value) {
    const char *quote = strchr(value, '"');
    g_autofree char *text = NULL;

    if (!quote || strlen(response->warnings) > MAX_WARNING_BYTES)
        return;
    text = g_strndup(quote + 1, MIN(strcspn(quote + 1, "\""), MAX_WARNING_BYTES));
    for (char *c = text; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    if (g_utf8_validate(text, -1, NULL))
        response_add_line(&response->warnings, text);
}

/* Seconds, or a date (RFC 9110 section 10.2.3). */
static int64_t parse_retry_after(const char *value) {
    if (g_ascii_isdigit(value[0]))
        return (int64_t)MIN(g_ascii_strtoull(value, NULL, 10), 24u * 3600);
    time_t when = curl_getdate(value, NULL);
    int64_t seconds = when < 0 ? -1 : (int64_t)when - g_get_real_time() / G_USEC_PER_SEC;
    return CLAMP(seconds, -1, 24 * 3600);
}

/* A URL contains neither blanks nor bytes beyond ASCII (RFC 3986, section 2), but some servers send
 * names of files as they are. */
static char *escape_url(const char *url) {
    GString *escaped = g_string_new(NULL);

    for (const char *c = url; *c; c++)
        if (g_ascii_isgraph(*c))
            g_string_append_c(escaped, *c);
        else
            g_string_append_printf(escaped, "%%%02X", (unsigned char)*c);
    return g_string_free(escaped, FALSE);
}

/* Replaces text by the absolute URL that value stands for in a response to url. */
static void response_take_url(char **text, const char *url, const char *value) {
    g_autofree char *escaped = escape_url(value);
    bool is_absolute =
        g_str_has_prefix(escaped, "https://") || g_str_has_prefix(escaped, "http://");
    g_autofree char *absolute =
        is_absolute ? g_strdup(escaped)
                    : g_uri_resolve_relative(url, escaped, G_URI_FLAGS_ENCODED, NULL);

    if (!absolute)
        return;
    /* The fragment is not sent to servers, and appended parameters must not end up in it. */
    absolute[strcspn(absolute, "#")] = '\0';
    /* A URL with a scheme but no host, such as "data:", cannot be followed. */
    if (!strstr(absolute, "://"))
        return;
    response_take_text(text, absolute);
}

/* <URL>; rel="next", possibly after other links in the same line (RFC 8288, and the distribution
 * specification, "Listing Tags"). */
static void response_take_link(BerthResponse *response, const char *url, const char *value) {
    const char *end = value;

    for (const char *start = value; (start = strchr(start, '<')) && (end = strchr(start, '>'));
         start = end) {
        g_autofree char *target = g_strndup(start + 1, (gsize)(end - start - 1));
        g_autofree char *parameters = g_ascii_strdown(end + 1, (gssize)strcspn(end + 1, "<"));

        if (strstr(parameters, "next"))
            response_take_url(&response->next, url, target);
    }
}

/* "bytes 5-9/10" */
static int64_t parse_first_byte(const char *value) {
    const char *digits = value + strcspn(value, "0123456789");
    uint64_t first = g_ascii_strtoull(digits, NULL, 10);

    return g_ascii_strncasecmp(value, "bytes", strlen("bytes")) == 0 && *digits &&
                   digits[strspn(digits, "0123456789")] == '-' && first <= INT64_MAX
               ? (int64_t)first
               : -1;
}

/* The media type is the part before ";", in lower case; parameters are dropped. */
static char *parse_media_type(const char *value) {
    g_autofree char *type = g_strndup(value, strcspn(value, ";"));

    return g_ascii_strdown(g_strstrip(type), -1);
}

void berth_response_take_header(BerthResponse *response, const char *url, const char *name,
                                const char *value) {
    if (g_ascii_strcasecmp(name, "Content-Type") == 0) {
        g_free(response->content_type);
        response->content_type = parse_media_type(value);
    } else if (g_ascii_strcasecmp(name, "Docker-Content-Digest") == 0) {
        response_take_text(&response->digest, value);
    } else if (g_ascii_strcasecmp(name, "WWW-Authenticate") == 0) {
        response_add_line(&response->challenge, value);
    } else if (g_ascii_strcasecmp(name, "Location") == 0) {
        response_take_url(&response->location, url, value);
    } else if (g_ascii_strcasecmp(name, "Link") == 0) {
        response_take_link(response, url, value);
    } else if (g_ascii_strcasecmp(name, "Range") == 0) {
        response_take_text(&response->range, value);
    } else if (g_ascii_strcasecmp(name, "Content-Range") == 0) {
        response->first_byte = parse_first_byte(value);
    } else if (g_ascii_strcasecmp(name, "Content-Encoding") == 0) {
        response->is_encoded = value[0] && g_ascii_strcasecmp(value, "identity") != 0;
    } else if (g_ascii_strcasecmp(name, "OCI-Chunk-Min-Length") == 0) {
        response->least_chunk = g_ascii_strtoull(value, NULL, 10);
    } else if (g_ascii_strcasecmp(name, "Retry-After") == 0) {
        response->retry_after = parse_retry_after(value);
    } else if (g_ascii_strcasecmp(name, "Warning") == 0) {
        take_warning(response, value);
    }
}
