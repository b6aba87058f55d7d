/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names of privileges, as words of a list that polkit rules compare. No text from a caller may look
 * like two words, or like another name. There is no state here.
 */

#include "containers/spec/privilege-names.h"

#include "base/error.h"
#include "base/names.h"
#include "plan/plan.h"

char *berth_privileges_escape(const char *text) {
    /* Strings on the bus are UTF-8, so other bytes are escaped. */
    bool is_utf8 = g_utf8_validate(text, -1, NULL);
    GString *word = g_string_new(NULL);

    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c <= ' ' || *c == 0x7f || *c == '\\' || (*c >= 0x80 && !is_utf8))
            g_string_append_printf(word, "\\x%02x", *c);
        else
            g_string_append_c(word, (char)*c);
    return g_string_free(word, FALSE);
}

/* Duplicates are left out only when all names are sorted. To look for one at each addition would
 * take seconds with the tens of thousands of names that a configuration can lead to, for a caller
 * whose permission has not been checked yet. */
void berth_privileges_add(GPtrArray *names, const char *kind, const char *what) {
    g_autofree char *word = berth_privileges_escape(what);

    g_ptr_array_add(names, g_strconcat(kind, word, NULL));
}

char *berth_privileges_clean_path(const char *path) {
    return path[0] == '/' && !berth_plan_path_climbs(path) ? berth_plan_path_clean(path)
                                                           : g_strdup(path);
}

void berth_privileges_add_path(GPtrArray *names, const char *kind, const char *what) {
    g_autofree char *path = berth_privileges_clean_path(what);

    berth_privileges_add(names, kind, path);
}

bool berth_privileges_check_path(const char *path, GError **error) {
    return !berth_plan_path_climbs(path) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the path \"%.200s\" contains \"..\"", path);
}

char *berth_privileges_join(GPtrArray *names) {
    GString *list = g_string_new(NULL);

    g_ptr_array_sort(names, berth_name_compare);
    for (guint i = 0; i < names->len; i++)
        if (i == 0 || !g_str_equal(names->pdata[i], names->pdata[i - 1]))
            g_string_append_printf(list, "%s%s", i > 0 ? " " : "", (const char *)names->pdata[i]);
    return g_string_free(list, names->len == 0);
}
