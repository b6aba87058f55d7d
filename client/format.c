/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Formats references, sizes and times for people, and makes text from outside safe to print. The
 * caller owns all results.
 */

#include "client/format.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/names.h"
#include "client/settings.h"
#include "client/translate.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* Only dist does this: the service takes complete references. */
char *dist_complete_reference(const char *text) {
    /* A "?" begins a query, which is dropped later; nothing is appended behind it, or the missing
     * tag would go unnoticed. */
    return strchr(text, '?') ? g_strdup(text) : berth_name_complete_image(text);
}

/* The service takes any name, since names are opaque to it; one that no registry accepts could be
 * neither pushed nor read from an archive by others. */
char *dist_complete_new_name(const char *text, GError **error) {
    g_autofree char *name = dist_complete_reference(text);
    g_autofree char *host = g_strndup(name, strcspn(name, "/"));
    g_autofree char *repository = NULL, *tag = NULL;

    dist_split_reference(name, &repository, &tag);
    const char *path = repository + strlen(host) + (repository[strlen(host)] == '/');
    g_autofree char *lower = g_ascii_strdown(path, -1);
    const char *reason =
        strchr(name, '@') ? _("a name does not get a digest")
        : !berth_name_is_host(host) || !berth_name_is_repository(lower) || !berth_name_is_tag(tag)
            ? _("not a name of an image")
        : !berth_name_is_repository(path) ? _("the path of the repository must be in lower case")
                                          : NULL;
    if (!reason)
        return g_steal_pointer(&name);
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("invalid image name \"%s\": %s"), text,
                    reason);
    return NULL;
}

void dist_split_reference(const char *reference, char **repository, char **tag) {
    const char *slash = strchr(reference, '/');
    const char *object = strpbrk(slash ? slash : reference, ":@");

    *repository = object ? g_strndup(reference, (gsize)(object - reference)) : g_strdup(reference);
    *tag = g_strdup(!object ? "" : *object == '@' ? object : object + 1);
}

/* Control characters in text from outside could change the state of the terminal. */
char *dist_format_text(const char *text, const char *kept) {
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *plain = g_string_new(NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        bool harmless = !berth_name_is_acted_on(c) || strchr(kept, *at);
        g_string_append_unichar(plain, harmless ? c : 0xfffd);
    }
    return g_string_free(plain, FALSE);
}

char *dist_format_message(const char *text) {
    g_autofree char *plain = dist_format_text(text, "\n\t");
    g_auto(GStrv) lines = g_strsplit(g_strchomp(plain), "\n", -1);

    return g_strjoinv("\n      ", lines);
}

/* Returns equivalent JSON: a JSON document may contain DEL and control characters beyond ASCII
 * unescaped. */
char *dist_format_json(const char *text) {
    GString *plain = g_string_new(NULL);

    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (c >= 0x7f && berth_name_is_acted_on(c))
            g_string_append_printf(plain, "\\u%04x", c);
        else
            g_string_append_unichar(plain, c);
    }
    return g_string_free(plain, FALSE);
}

char *dist_format_value(json_object *value, bool pretty) {
    g_autofree char *text = berth_document_print(value, pretty);

    return dist_format_json(text);
}

/* In powers of 1000, like g_format_size(3). */
char *dist_format_size(uint64_t bytes) {
    return g_format_size(bytes);
}

char *dist_format_time(uint64_t usec) {
    if (usec == 0)
        return g_strdup("-");
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(usec / G_USEC_PER_SEC));
    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("-");
}

/* A unit is used from two on: 90 minutes are "90 minutes", 130 are "2 hours". */
char *dist_format_duration(uint64_t usec) {
    enum { YEAR, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND };
    static const unsigned long sizes[] = {365 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1};
    unsigned long seconds = usec / G_USEC_PER_SEC;
    int unit = YEAR;

    while (unit < SECOND && seconds < 2 * sizes[unit])
        unit++;
    unsigned long count = seconds / sizes[unit];
    switch (unit) {
    case YEAR:
        return g_strdup_printf(ngettext("%lu year", "%lu years", count), count);
    case MONTH:
        return g_strdup_printf(ngettext("%lu month", "%lu months", count), count);
    case WEEK:
        return g_strdup_printf(ngettext("%lu week", "%lu weeks", count), count);
    case DAY:
        return g_strdup_printf(ngettext("%lu day", "%lu days", count), count);
    case HOUR:
        return g_strdup_printf(ngettext("%lu hour", "%lu hours", count), count);
    case MINUTE:
        return g_strdup_printf(ngettext("%lu minute", "%lu minutes", count), count);
    default:
        return g_strdup_printf(ngettext("%lu second", "%lu seconds", count), count);
    }
}

char *dist_format_ago(uint64_t usec) {
    uint64_t now = (uint64_t)g_get_real_time();

    if (usec == 0)
        return g_strdup("-");
    g_autofree char *duration = dist_format_duration(now > usec ? now - usec : usec - now);
    return g_strdup_printf(now >= usec ? _("%s ago") : _("in %s"), duration);
}

char *dist_format_digest(const char *digest) {
    const char *colon = strchr(digest, ':');

    return g_strndup(colon ? colon + 1 : digest, 12);
}

char *dist_format_labels(GHashTable *labels) {
    g_autoptr(json_object) object = json_object_new_object();
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(labels), (GCompareFunc)strcmp);

    for (const GList *key = keys; key; key = key->next)
        berth_document_add_string(object, key->data, g_hash_table_lookup(labels, key->data));
    return dist_format_value(object, false);
}
