/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* uid=, gid= and mode= of a secret's file, as Secret= and dist's --secret take them. */

#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum {
    BERTH_SECRET_UID,
    BERTH_SECRET_GID,
    BERTH_SECRET_MODE,
    BERTH_SECRET_ATTRIBUTES,
} BerthSecretAttribute;

extern const char *const berth_secret_attribute_names[BERTH_SECRET_ATTRIBUTES];

/* Reads a field NAME=NUMBER; the number of a mode is octal. Returns false if the field is none of
 * these, or its number is not one that the service takes. */
bool berth_secret_attribute_read(const char *field, BerthSecretAttribute *attribute,
                                 guint32 *value);
