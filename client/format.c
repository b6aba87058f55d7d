/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text as people read and write it: references, sizes, times. */

#include "dist.h"

#include <string.h>

static bool looks_like_host(const char *component, size_t length) {
    return memchr(component, '.', length) || memchr(component, ':', length) ||
           (length == strlen("localhost") && strncmp(component, "localhost", length) == 0);
}

/* Docker's shorthand, which is a convenience of this client only. */
char *dist_complete_reference(const char *text) {
    const char *slash = strchr(text, '/');
    bool has_host = slash && looks_like_host(text, (size_t)(slash - text));
    const char *path = has_host ? slash + 1 : text;
    bool has_object = strpbrk(path, ":@") != NULL;

    /* "?" begins what is dropped anyway; what follows must not hide that there is no tag. */
    if (strchr(text, '?'))
        return g_strdup(text);
    return g_strconcat(has_host ? "" : "docker.io/", has_host || slash ? "" : "library/", text,
                       has_object ? "" : ":latest", NULL);
}

char *dist_format_size(uint64_t bytes) {
    return g_format_size(bytes);
}

char *dist_format_time(uint64_t usec) {
    if (usec == 0)
        return g_strdup("-");
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(usec / G_USEC_PER_SEC));
    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("-");
}
