/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --env-merge. The values come from the configuration of a local image, which is read through the
 * service. The image's author chooses its variables, so the size of the result is limited.
 */

#include "client/env-merge.h"

#include "client/image-config.h"
#include "client/option.h"
#include "client/translate.h"

#include <string.h>

/* The service's limit for one variable (introspection, Create). */
enum { MAX_VARIABLE_BYTES = 128 * 1024 };

static const char *find_value(char *const *environment, const char *name, size_t length) {
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return "";
}

/* The length of the variable name at the beginning of text: letters, digits and "_". */
static size_t measure_name(const char *text) {
    size_t length = 0;

    while (g_ascii_isalnum(text[length]) || text[length] == '_')
        length++;
    return length;
}

char *dist_env_expand(const char *text, char *const *environment, GError **error) {
    g_autoptr(GString) expanded = g_string_new(NULL);

    while (*text) {
        bool braced = text[0] == '$' && text[1] == '{';
        size_t length = text[0] == '$' ? measure_name(text + 1 + braced) : 0;
        if (length == 0 || (braced && text[2 + length] != '}')) {
            g_string_append_c(expanded, *text++);
        } else {
            g_string_append(expanded, find_value(environment, text + 1 + braced, length));
            text += 1 + length + 2 * braced;
        }
        if (expanded->len > MAX_VARIABLE_BYTES) {
            berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                            _("--env-merge: a variable would have more than %d bytes"),
                            MAX_VARIABLE_BYTES);
            return NULL;
        }
    }
    return g_string_free(g_steal_pointer(&expanded), FALSE);
}

bool dist_env_merge(const char *image, char *const *assignments, char ***environment,
                    GError **error) {
    g_auto(GStrv) own = NULL;

    if (!assignments)
        return true;
    if (!(own = dist_image_read_environment(image, error)))
        return false;
    for (; *assignments; assignments++) {
        if (!strchr(*assignments, '='))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("invalid value \"%s\" of %s"), *assignments, "--env-merge");
        char *variable = dist_env_expand(*assignments, own, error);
        if (!variable)
            return false;
        dist_option_add_to_list(environment, variable);
    }
    return true;
}
