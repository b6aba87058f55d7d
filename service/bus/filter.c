/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A filter is read once from a call's options, owned by the page of the reply, and matched against
 * each item. Values are compared as GVariants: an sd-bus message can only be read from beginning to
 * end, and an item's properties may come in a different order than the filter's. See filter.h.
 */

#include "bus/filter.h"

#include <errno.h>
#include <string.h>

/* A client can make the service compare each item with each of them. */
enum { MAX_ALTERNATIVES = 64 };

static int filter_read_alternatives(sd_bus_message *message, GVariant **value);

/* Reads a value of one of the types that properties of listed items have, or a list of
 * alternatives; *value is floating. A value of any other type is skipped, and *value is set to
 * NULL. */
static int filter_read_value(sd_bus_message *message, GVariant **value) {
    const char *type;
    char kind;
    union {
        uint64_t t;
        int64_t x;
        uint32_t u;
        int32_t i;
        int b;
        const char *s;
    } basic;
    int r = sd_bus_message_peek_type(message, &kind, &type);

    if (r < 0 || (r = sd_bus_message_enter_container(message, 'v', type)) < 0)
        return r;
    *value = NULL;
    if (g_str_equal(type, "as")) {
        g_auto(GStrv) strings = NULL;
        if ((r = sd_bus_message_read_strv(message, &strings)) >= 0)
            *value = g_variant_new_strv((const char *const *)strings, strings ? -1 : 0);
    } else if (g_str_equal(type, "a{ss}")) {
        g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{ss}"));
        const char *key, *text;
        r = sd_bus_message_enter_container(message, 'a', "{ss}");
        while (r >= 0 && (r = sd_bus_message_read(message, "{ss}", &key, &text)) > 0)
            g_variant_builder_add(&builder, "{ss}", key, text);
        if (r >= 0 && (r = sd_bus_message_exit_container(message)) >= 0)
            *value = g_variant_builder_end(&builder);
    } else if (g_str_equal(type, "av")) {
        r = filter_read_alternatives(message, value);
    } else if (type[1] == '\0' && strchr("tuibsox", type[0])) {
        if ((r = sd_bus_message_read_basic(message, type[0], &basic)) < 0)
            return r;
        *value = type[0] == 't'   ? g_variant_new_uint64(basic.t)
                 : type[0] == 'x' ? g_variant_new_int64(basic.x)
                 : type[0] == 'u' ? g_variant_new_uint32(basic.u)
                 : type[0] == 'i' ? g_variant_new_int32(basic.i)
                 : type[0] == 'b' ? g_variant_new_boolean(basic.b)
                                  : g_variant_new_string(basic.s);
    } else {
        r = sd_bus_message_skip(message, type);
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* None of them can be such a list itself: a message could nest them deeply. What cannot be compared
 * matches nothing, and is left out. */
static int filter_read_alternatives(sd_bus_message *message, GVariant **value) {
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("av"));
    unsigned count = 0;
    int r = sd_bus_message_enter_container(message, 'a', "v");

    while (r >= 0 && (r = sd_bus_message_at_end(message, false)) == 0) {
        const char *type;
        char kind;
        GVariant *one = NULL;
        if (++count > MAX_ALTERNATIVES)
            return -E2BIG;
        if ((r = sd_bus_message_peek_type(message, &kind, &type)) < 0)
            return r;
        r = g_str_equal(type, "av") ? sd_bus_message_skip(message, "v")
                                    : filter_read_value(message, &one);
        if (r >= 0 && one)
            g_variant_builder_add(&builder, "v", one);
    }
    if (r < 0 || (r = sd_bus_message_exit_container(message)) < 0)
        return r;
    *value = g_variant_builder_end(&builder);
    return 1;
}

/* Reads an a{sv} of the message as a GVariant, which the caller owns. A key that occurs twice is an
 * error, as in berth_options_read(): the item would have to match both values. */
static int filter_read_dictionary(sd_bus_message *message, GVariant **dictionary,
                                  sd_bus_error *error) {
    g_auto(GVariantDict) values = G_VARIANT_DICT_INIT(NULL);
    const char *key;
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        GVariant *value;
        if ((r = sd_bus_message_read(message, "s", &key)) < 0)
            return r;
        if (g_variant_dict_contains(&values, key))
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "the filter \"%.100s\" is given twice", key);
        if ((r = filter_read_value(message, &value)) == -E2BIG)
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "LimitExceeded",
                                     "the filter \"%.100s\" has more than %d alternatives", key,
                                     MAX_ALTERNATIVES);
        if (r < 0)
            return r;
        /* A value that cannot be compared is stored as the unit type, which matches nothing. */
        g_variant_dict_insert_value(&values, key, value ? value : g_variant_new("()"));
        r = sd_bus_message_exit_container(message);
    }
    if (r < 0 || (r = sd_bus_message_exit_container(message)) < 0)
        return r;
    *dictionary = g_variant_ref_sink(g_variant_dict_end(&values));
    return 1;
}

int berth_filter_read(sd_bus_message *message, void *filter, sd_bus_error *error) {
    BerthFilter *read = filter;
    int r;

    if ((r = sd_bus_message_enter_container(message, 'v', "a{sv}")) < 0 ||
        (r = filter_read_dictionary(message, &read->wanted, error)) < 0)
        return r;
    return sd_bus_message_exit_container(message);
}

/* Both sides can have as many elements as a message allows, and both may come from a client; hence
 * a table instead of a search for each element. */
static bool has_strings(GVariant *found, GVariant *wanted) {
    g_autofree const char **all = g_variant_get_strv(found, NULL);
    g_autofree const char **some = g_variant_get_strv(wanted, NULL);
    g_autoptr(GHashTable) set = g_hash_table_new(g_str_hash, g_str_equal);

    for (const char **text = all; *text; text++)
        g_hash_table_add(set, (char *)*text);
    for (const char **text = some; *text; text++)
        if (!g_hash_table_contains(set, *text))
            return false;
    return true;
}

/* An empty value in the filter matches any value of that key. */
static bool has_pairs(GVariant *found, GVariant *wanted) {
    g_autoptr(GHashTable) pairs = g_hash_table_new(g_str_hash, g_str_equal);
    GVariantIter iterator;
    const char *key, *value;

    g_variant_iter_init(&iterator, found);
    while (g_variant_iter_next(&iterator, "{&s&s}", &key, &value))
        g_hash_table_insert(pairs, (char *)key, (char *)value);
    g_variant_iter_init(&iterator, wanted);
    while (g_variant_iter_next(&iterator, "{&s&s}", &key, &value)) {
        const char *other = g_hash_table_lookup(pairs, key);
        if (!other || (value[0] != '\0' && !g_str_equal(value, other)))
            return false;
    }
    return true;
}

/* Values of different types never match, even if they are equal as numbers. */
static bool is_as_one_wanted(GVariant *found, GVariant *wanted) {
    if (!found || !g_variant_type_equal(g_variant_get_type(found), g_variant_get_type(wanted)))
        return false;
    if (g_variant_is_of_type(wanted, G_VARIANT_TYPE_STRING_ARRAY))
        return has_strings(found, wanted);
    if (g_variant_is_of_type(wanted, G_VARIANT_TYPE("a{ss}")))
        return has_pairs(found, wanted);
    if (g_variant_is_of_type(wanted, G_VARIANT_TYPE_STRING))
        return g_pattern_match_simple(g_variant_get_string(wanted, NULL),
                                      g_variant_get_string(found, NULL));
    return !g_variant_is_of_type(wanted, G_VARIANT_TYPE_UNIT) && g_variant_equal(found, wanted);
}

static bool is_as_wanted(GVariant *found, GVariant *wanted) {
    GVariantIter iterator;
    GVariant *one;

    if (!g_variant_is_of_type(wanted, G_VARIANT_TYPE("av")))
        return is_as_one_wanted(found, wanted);
    g_variant_iter_init(&iterator, wanted);
    while (g_variant_iter_next(&iterator, "v", &one)) {
        g_autoptr(GVariant) alternative = one;
        if (is_as_one_wanted(found, alternative))
            return true;
    }
    return false;
}

/* Returns 1 if each key of the filter has a matching property in the item, 0 if not, or a negative
 * errno. */
int berth_filter_match(const BerthFilter *filter, sd_bus_message *item) {
    g_autoptr(GVariant) properties = NULL;
    GVariantIter iterator;
    const char *key;
    GVariant *wanted;
    bool matches = true;
    int r;

    if ((r = sd_bus_message_enter_container(item, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_skip(item, "s")) < 0 ||
        (r = filter_read_dictionary(item, &properties, NULL)) < 0 ||
        (r = sd_bus_message_exit_container(item)) < 0)
        return r;
    g_variant_iter_init(&iterator, filter->wanted);
    while (matches && g_variant_iter_next(&iterator, "{&sv}", &key, &wanted)) {
        g_autoptr(GVariant) value = wanted;
        g_autoptr(GVariant) found = g_variant_lookup_value(properties, key, NULL);
        matches = is_as_wanted(found, value);
    }
    return matches;
}

void berth_filter_clear(BerthFilter *filter) {
    g_clear_pointer(&filter->wanted, g_variant_unref);
}
