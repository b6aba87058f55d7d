/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one table of the attributes of a secret's file. There is no state. */

#include "generator/secret-attribute.h"

#include <string.h>

const char *const berth_secret_attribute_names[BERTH_SECRET_ATTRIBUTES] = {
    [BERTH_SECRET_UID] = "uid",
    [BERTH_SECRET_GID] = "gid",
    [BERTH_SECRET_MODE] = "mode",
};

/* (uid_t)-1 is no user: chown(2) leaves the owner unchanged. */
static const struct {
    guint base, limit;
} numbers[BERTH_SECRET_ATTRIBUTES] = {
    [BERTH_SECRET_UID] = {10, G_MAXUINT32 - 1},
    [BERTH_SECRET_GID] = {10, G_MAXUINT32 - 1},
    [BERTH_SECRET_MODE] = {8, 0777},
};

bool berth_secret_attribute_read(const char *field, BerthSecretAttribute *attribute,
                                 guint32 *value) {
    const char *equals = strchr(field, '=');
    g_autofree char *name = equals ? g_strndup(field, (gsize)(equals - field)) : NULL;
    guint64 number;

    for (unsigned i = 0; name && i < BERTH_SECRET_ATTRIBUTES; i++) {
        if (!g_str_equal(name, berth_secret_attribute_names[i]))
            continue;
        if (!g_ascii_string_to_unsigned(equals + 1, numbers[i].base, 0, numbers[i].limit, &number,
                                        NULL))
            return false;
        *attribute = (BerthSecretAttribute)i;
        *value = (guint32)number;
        return true;
    }
    return false;
}
