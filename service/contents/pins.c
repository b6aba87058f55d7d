/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pins keep the collection from removing what running operations need. Each operation owns a set;
 * the table of BerthContents counts how many sets contain a digest. A set counts a digest once,
 * however often it is added.
 */

#include "contents/contents-private.h"

struct BerthPins {
    BerthContents *contents;
    GHashTable *digests; /* a set of char * */
};

static guint pins_count(BerthContents *contents, const char *digest) {
    return GPOINTER_TO_UINT(g_hash_table_lookup(contents->pins, digest));
}

BerthPins *berth_pins_new(BerthContents *contents) {
    BerthPins *pins = g_new0(BerthPins, 1);

    pins->contents = contents;
    pins->digests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return pins;
}

void berth_pins_add(BerthPins *pins, const char *digest) {
    BerthContents *contents = pins->contents;

    if (!g_hash_table_add(pins->digests, g_strdup(digest)))
        return;
    g_hash_table_replace(contents->pins, g_strdup(digest),
                         GUINT_TO_POINTER(pins_count(contents, digest) + 1));
}

void berth_pins_free(BerthPins *pins) {
    GHashTableIter iterator;
    gpointer digest;

    if (!pins)
        return;
    g_hash_table_iter_init(&iterator, pins->digests);
    while (g_hash_table_iter_next(&iterator, &digest, NULL)) {
        guint count = pins_count(pins->contents, digest);
        g_assert(count > 0);
        if (count == 1)
            g_hash_table_remove(pins->contents->pins, digest);
        else
            g_hash_table_replace(pins->contents->pins, g_strdup(digest),
                                 GUINT_TO_POINTER(count - 1));
    }
    g_hash_table_unref(pins->digests);
    g_free(pins);
}

unsigned berth_contents_count_pins(BerthContents *contents, const char *digest) {
    return pins_count(contents, digest);
}

bool berth_contents_is_pinned(BerthContents *contents, const char *digest) {
    return g_hash_table_contains(contents->pins, digest);
}

/* The strings belong to the table: they are valid until a set of pins is changed. */
GPtrArray *berth_contents_list_pins(BerthContents *contents) {
    GPtrArray *pins = g_ptr_array_new();
    GHashTableIter iterator;
    gpointer digest;

    g_hash_table_iter_init(&iterator, contents->pins);
    while (g_hash_table_iter_next(&iterator, &digest, NULL))
        g_ptr_array_add(pins, digest);
    return pins;
}
