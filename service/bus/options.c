/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the options of a method into the variables of its handler, according to a table. There is
 * no state. Strings and descriptors belong to the message; vectors belong to the caller, even if
 * reading fails after them. The one thing to know: unknown keys, duplicate keys and values of a
 * wrong type are errors, so that a misspelt option never passes as one that was omitted. See
 * options.h.
 */

#include "bus/options.h"

#include "base/credentials.h"

/* A key may occur twice, since a D-Bus dictionary is an array; the vector then contains both
 * pairs. Those read before an error may be credentials. */
int berth_options_read_map(sd_bus_message *message, char ***map) {
    g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func((GDestroyNotify)berth_secret_free);
    const char *key, *value;
    int r = sd_bus_message_enter_container(message, 'a', "{ss}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_read(message, "{ss}", &key, &value)) > 0) {
        g_ptr_array_add(pairs, g_strdup(key));
        g_ptr_array_add(pairs, g_strdup(value));
    }
    if (r < 0 || (r = sd_bus_message_exit_container(message)) < 0)
        return r;
    g_ptr_array_add(pairs, NULL);
    *map = (char **)g_ptr_array_free(g_steal_pointer(&pairs), FALSE);
    return 1;
}

/* sd_bus_message_read_strv(3) counts the strings again for each one that it adds (until systemd
 * 254), which takes a second for the longest command, before the caller's permissions are known. */
int berth_options_read_strings(sd_bus_message *message, char ***strings) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    const char *text;
    int r = sd_bus_message_enter_container(message, 'a', "s");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_read_basic(message, 's', &text)) > 0)
        g_ptr_array_add(list, g_strdup(text));
    if (r < 0 || (r = sd_bus_message_exit_container(message)) < 0)
        return r;
    g_ptr_array_add(list, NULL);
    *strings = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
    return 1;
}

static int options_read_value(sd_bus_message *message, const BerthOption *option) {
    int r = sd_bus_message_enter_container(message, 'v', option->type);

    if (r < 0)
        return r;
    if (g_str_equal(option->type, "as"))
        r = berth_options_read_strings(message, option->value);
    else if (g_str_equal(option->type, "a{ss}"))
        r = berth_options_read_map(message, option->value);
    else
        r = sd_bus_message_read(message, option->type, option->value);
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int refuse_unknown_option(const BerthOption *options, const char *key, sd_bus_error *error) {
    g_autoptr(GString) known = g_string_new(NULL);

    for (const BerthOption *option = options; option->key; option++)
        g_string_append_printf(known, "%s%s", known->len ? ", " : "", option->key);
    return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                             "unknown option \"%.100s\"; known options: %s", key,
                             known->len ? known->str : "none");
}

/* seen holds the keys so far. A second value would replace the first, which would then leak; and
 * two readers of the message could each consider a different one valid. */
static int options_read_entry(sd_bus_message *message, const BerthOption *options, GHashTable *seen,
                              sd_bus_error *error) {
    const char *key;
    int r = sd_bus_message_read(message, "s", &key);

    if (r < 0)
        return r;
    for (const BerthOption *option = options; option->key; option++) {
        if (!g_str_equal(option->key, key))
            continue;
        if (!g_hash_table_add(seen, (char *)option->key))
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "the option \"%.100s\" is given twice", key);
        if (option->read) {
            r = option->read(message, option->value, error);
            if (r < 0 && !sd_bus_error_is_set(error))
                r = sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                      "the option \"%.100s\" has the wrong type", key);
            return r;
        }
        r = options_read_value(message, option);
        if (r < 0)
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "the option \"%.100s\" does not have the type \"%s\"", key,
                                     option->type);
        return r;
    }
    return refuse_unknown_option(options, key, error);
}

int berth_options_read(sd_bus_message *message, const BerthOption *options, sd_bus_error *error) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = options_read_entry(message, options, seen, error);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

int berth_options_read_none(sd_bus_message *message, sd_bus_error *error) {
    return berth_options_read(message, BERTH_NO_OPTIONS, error);
}

int berth_options_append_strings(sd_bus_message *message, const char *key, char *const *strings) {
    int r;

    if ((r = sd_bus_message_open_container(message, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(message, "s", key)) < 0 ||
        (r = sd_bus_message_open_container(message, 'v', "as")) < 0 ||
        (r = sd_bus_message_append_strv(message, (char **)strings)) < 0 ||
        (r = sd_bus_message_close_container(message)) < 0)
        return r;
    return sd_bus_message_close_container(message);
}
