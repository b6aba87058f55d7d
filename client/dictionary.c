/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads dictionaries of properties into variables. A missing key leaves its variable unchanged, so
 * callers set defaults first; unknown keys are skipped, since a newer service may have more.
 */

#include "client/dictionary.h"

/* Adds only keys that the table does not have yet. */
static int dictionary_read_pairs(sd_bus_message *message, GHashTable *pairs) {
    const char *key, *value;
    int r = sd_bus_message_enter_container(message, 'a', "{ss}");

    while (r >= 0 && (r = sd_bus_message_read(message, "{ss}", &key, &value)) > 0)
        if (!g_hash_table_contains(pairs, key))
            g_hash_table_insert(pairs, g_strdup(key), g_strdup(value));
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* The variant is entered with the expected type: a service that sends another type has sent a
 * malformed reply. */
static int dictionary_read_field(sd_bus_message *message, const DistField *field) {
    if (field->read)
        return field->read(message, field->value);
    int r = sd_bus_message_enter_container(message, 'v', field->type);

    if (r < 0)
        return r;
    if (g_str_equal(field->type, "as"))
        r = sd_bus_message_read_strv(message, field->value);
    else if (g_str_equal(field->type, "a{ss}"))
        r = dictionary_read_pairs(message, field->value);
    else if (g_str_equal(field->type, "(sst)"))
        r = sd_bus_message_read(message, "(sst)", &((DistTarget *)field->value)->media_type,
                                &((DistTarget *)field->value)->digest,
                                &((DistTarget *)field->value)->size);
    else
        r = sd_bus_message_read(message, field->type, field->value);
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

int dist_dictionary_read(sd_bus_message *message, const DistField *fields) {
    const char *key;
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        const DistField *field = fields;
        if ((r = sd_bus_message_read(message, "s", &key)) < 0)
            return r;
        while (field->key && !g_str_equal(field->key, key))
            field++;
        r = field->key ? dictionary_read_field(message, field) : sd_bus_message_skip(message, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* 1 with an item, 0 at the end of the array, negative errno on error. Strings belong to the reply.
 */
int dist_dictionary_read_item(sd_bus_message *reply, const char **name, const DistField *fields) {
    int r;

    if ((r = sd_bus_message_enter_container(reply, 'r', "sa{sv}")) <= 0 ||
        (r = sd_bus_message_read(reply, "s", name)) < 0 ||
        (r = dist_dictionary_read(reply, fields)) < 0 ||
        (r = sd_bus_message_exit_container(reply)) < 0)
        return r;
    return 1;
}

int dist_dictionary_read_items(sd_bus_message *message,
                               int (*read)(sd_bus_message *message, void *userdata),
                               void *userdata) {
    int r;

    if ((r = sd_bus_message_enter_container(message, 'v', "a(sa{sv})")) < 0 ||
        (r = sd_bus_message_enter_container(message, 'a', "(sa{sv})")) < 0)
        return r;
    while ((r = read(message, userdata)) > 0)
        continue;
    if (r < 0 || (r = sd_bus_message_exit_container(message)) < 0)
        return r;
    return sd_bus_message_exit_container(message);
}
