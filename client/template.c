/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fills the templates of --format. Of Go's text/template only {{.Name}} is supported. Anything else
 * in braces is an error, so that a podman template is never filled wrongly; unclosed braces are
 * plain text.
 */

#include "client/template.h"

#include "client/settings.h"

#include <string.h>

static bool template_add_field(GString *text, const char *action, DistTemplateLookUp look_up,
                               void *userdata, GError **error) {
    g_autofree char *name = g_strstrip(g_strdup(action));
    const char *value = name[0] == '.' ? look_up(name + 1, userdata) : NULL;

    if (value)
        g_string_append(text, value);
    return value || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                    _("--format: unknown field \"{{%s}}\"; only {{.NAME}} of a "
                                      "column is supported"),
                                    name);
}

/* "\t" and "\n" are the two escapes that a shell leaves in a quoted format. The caller frees the
 * line. */
char *dist_template_fill(const char *template, DistTemplateLookUp look_up, void *userdata,
                         GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);

    while (*template) {
        const char *end = g_str_has_prefix(template, "{{") ? strstr(template, "}}") : NULL;
        if (end) {
            g_autofree char *action = g_strndup(template + 2, (gsize)(end - template - 2));
            if (!template_add_field(text, action, look_up, userdata, error))
                return NULL;
            template = end + 2;
        } else if (template[0] == '\\' && (template[1] == 't' || template[1] == 'n')) {
            g_string_append_c(text, template[1] == 't' ? '\t' : '\n');
            template += 2;
        } else {
            g_string_append_c(text, *template ++);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
