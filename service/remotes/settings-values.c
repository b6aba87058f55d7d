/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The values of berth.conf: each function parses the text of one key into the member that it is
 * for. The functions have no state; the caller owns the place. An invalid value leaves the member
 * unchanged.
 */

#include "remotes/settings-values.h"

#include "base/log.h"

#include <string.h>

/* The line of a key in its group, from 1, which GKeyFile does not report; without a key, the line
 * of the group. If several lines have the same key, the last one, which is what GKeyFile uses. */
static unsigned find_line(const BerthSettingsPlace *place, const char *key) {
    g_autofree char *header = g_strconcat("[", place->group, "]", NULL);
    bool inside = false;
    unsigned found = 0;

    for (unsigned i = 0; place->lines[i]; i++) {
        g_autofree char *line = g_strstrip(g_strdup(place->lines[i]));
        if (line[0] == '[') {
            inside = g_str_equal(line, header);
            if (inside && !key)
                return i + 1;
        } else if (inside && key && g_str_has_prefix(line, key) &&
                   strchr("= \t", line[strlen(key)]))
            found = i + 1;
    }
    return found;
}

void berth_settings_warn(const BerthSettingsPlace *place, const char *key, const char *format,
                         ...) {
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    berth_log_warning("BERTH_FILE", place->path, "%s:%u: %s", place->path, find_line(place, key),
                      what);
}

bool berth_settings_take_bool(const BerthSettingsPlace *place, const char *key, const char *text,
                              bool *value) {
    static const char *const yes[] = {"yes", "true", "on", "1", NULL};
    static const char *const no[] = {"no", "false", "off", "0", NULL};

    if (g_strv_contains(yes, text))
        *value = true;
    else if (g_strv_contains(no, text))
        *value = false;
    else
        berth_settings_warn(place, key, "%s= takes yes or no, not \"%s\"", key, text);
    return true;
}

bool berth_settings_take_number(const BerthSettingsPlace *place, const char *key, const char *text,
                                unsigned max, unsigned *value) {
    guint64 number;

    if (g_ascii_string_to_unsigned(text, 10, 1, max, &number, NULL))
        *value = (unsigned)number;
    else
        berth_settings_warn(place, key, "%s= takes a number from 1 to %u, not \"%s\"", key, max,
                            text);
    return true;
}

/* Units are powers of 1024. strtoull(3) accepts a sign, hence the check; a size that overflows is
 * refused. */
bool berth_settings_take_size(const BerthSettingsPlace *place, const char *key, const char *text,
                              uint64_t *value) {
    static const char units[] = "KMGT";
    char *end;
    guint64 number = g_ascii_strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;

    if (end == text || text[0] == '-' || (*end && (!unit || end[1])) ||
        number > (UINT64_MAX >> shift))
        berth_settings_warn(place, key, "%s= takes a size as 512M, not \"%s\"", key, text);
    else
        *value = number << shift;
    return true;
}

/* The text becomes part of a URL and is compared with locators: it must have no empty component and
 * no "..". */
bool berth_settings_is_place(const char *text) {
    for (const char *c = text; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("._-:/[]", *c))
            return false;
    return text[0] && text[0] != '/' && !strstr(text, "..") && !strstr(text, "//");
}

bool berth_settings_take_place(const BerthSettingsPlace *place, const char *key, const char *text,
                               char **value) {
    if (berth_settings_is_place(text)) {
        g_free(*value);
        *value = g_strdup(text);
    } else {
        berth_settings_warn(place, key, "%s= takes HOST[:PORT][/PREFIX], not \"%s\"", key, text);
    }
    return true;
}

/* Valid places in a list are used even if others are not valid. An empty list resets what an
 * earlier file has set. */
bool berth_settings_take_places(const BerthSettingsPlace *place, const char *key, char **list,
                                char ***value) {
    g_autoptr(GPtrArray) good = g_ptr_array_new();

    for (char **mirror = list; *mirror; mirror++) {
        if (berth_settings_is_place(*mirror))
            g_ptr_array_add(good, g_strdup(*mirror));
        else if ((*mirror)[0])
            berth_settings_warn(place, key, "%s= takes HOST[:PORT][/PREFIX], not \"%s\"", key,
                                *mirror);
    }
    g_ptr_array_add(good, NULL);
    g_strfreev(*value);
    *value = (char **)g_ptr_array_free(g_steal_pointer(&good), FALSE);
    return true;
}

/* An invalid number has been logged, and leaves value unchanged. */
bool berth_settings_take_amount(const BerthSettingsPlace *place, const char *key, const char *text,
                                bool bytes, uint64_t *value) {
    unsigned number = 0;

    if (g_str_equal(text, "infinity")) {
        *value = UINT64_MAX;
        return true;
    }
    if (bytes)
        return berth_settings_take_size(place, key, text, value);
    berth_settings_take_number(place, key, text, INT32_MAX, &number);
    if (number > 0)
        *value = number;
    return true;
}
