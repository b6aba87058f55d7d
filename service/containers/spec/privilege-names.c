/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names of privileges, as words of a list that polkit rules compare. No text from a caller may look
 * like two words, or like another name. There is no state here.
 */

#include "containers/spec/privilege-names.h"

#include <stdbool.h>

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

void berth_privileges_add(GPtrArray *names, const char *kind, const char *what) {
    g_autofree char *word = berth_privileges_escape(what);
    g_autofree char *name = g_strconcat(kind, word, NULL);

    if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_ptr_array_add(names, g_steal_pointer(&name));
}
