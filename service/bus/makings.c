/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Making is BEING MADE while its count is above 0, then SETTLED until a turn of the loop of its
 * own has resumed the calls that await it. Until that turn it stays in the table, so that a call
 * which comes meanwhile is resumed after those and not before. The set owns it, and it the
 * references to the calls.
 */

#include "bus/makings.h"

#include <glib.h>

typedef struct {
    char *name;
    unsigned count; /* of what makes it: the call itself, and what that has begun */
    bool made;
    GPtrArray *calls; /* that await it */
} Making;

struct BerthMakings {
    GHashTable *table; /* "CLIENT NAME" → Making */
    sd_event_source *turn;
    BerthMakingSettled settled;
    void *userdata;
};

static void unref_call(gpointer call) {
    sd_bus_message_unref(call);
}

static void making_free(gpointer data) {
    Making *making = data;

    g_free(making->name);
    g_ptr_array_unref(making->calls);
    g_free(making);
}

static void tell_calls(BerthMakings *makings, const Making *making) {
    for (guint i = 0; i < making->calls->len; i++)
        makings->settled(making->calls->pdata[i], making->name, making->made, makings->userdata);
}

/* A call that is resumed may begin or end another making, so that the table is not iterated
 * meanwhile.
 */
static int on_turn(sd_event_source *source, void *userdata) {
    BerthMakings *makings = userdata;
    g_autoptr(GPtrArray) settled = g_ptr_array_new_with_free_func(making_free);
    GHashTableIter iterator;
    gpointer key, value;

    (void)source;
    g_hash_table_iter_init(&iterator, makings->table);
    while (g_hash_table_iter_next(&iterator, &key, &value))
        if (((Making *)value)->count == 0) {
            g_ptr_array_add(settled, value);
            g_hash_table_iter_steal(&iterator);
            g_free(key);
        }
    for (guint i = 0; i < settled->len; i++)
        tell_calls(makings, settled->pdata[i]);
    return 0;
}

BerthMakings *berth_makings_new(sd_event *event, BerthMakingSettled settled, void *userdata) {
    BerthMakings *makings = g_new0(BerthMakings, 1);

    makings->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, making_free);
    makings->settled = settled;
    makings->userdata = userdata;
    if (sd_event_add_defer(event, &makings->turn, on_turn, makings) >= 0)
        (void)sd_event_source_set_enabled(makings->turn, SD_EVENT_OFF);
    return makings;
}

void berth_makings_free(BerthMakings *makings) {
    if (!makings)
        return;
    g_hash_table_unref(makings->table);
    sd_event_source_disable_unref(makings->turn);
    g_free(makings);
}

static char *making_make_key(sd_bus_message *call, const char *name) {
    return g_strconcat(sd_bus_message_get_sender(call), " ", name, NULL);
}

static Making *find_making(const BerthMakings *makings, sd_bus_message *call, const char *name) {
    g_autofree char *key = making_make_key(call, name);

    return g_hash_table_lookup(makings->table, key);
}

/* An object without a name of its choice cannot be awaited: no other call could name it. */
void berth_makings_begin(BerthMakings *makings, sd_bus_message *call, const char *name) {
    Making *making = find_making(makings, call, name);

    if (name[0] == '\0')
        return;
    if (!making) {
        making = g_new0(Making, 1);
        making->name = g_strdup(name);
        making->calls = g_ptr_array_new_with_free_func(unref_call);
        g_hash_table_insert(makings->table, making_make_key(call, name), making);
    }
    making->count++;
}

/* One success is enough: made stays true if another attempt of the same client fails. */
void berth_makings_end(BerthMakings *makings, sd_bus_message *call, const char *name, bool made) {
    Making *making = find_making(makings, call, name);

    if (!making || making->count == 0)
        return;
    making->made = making->made || made;
    if (--making->count == 0)
        (void)sd_event_source_set_enabled(makings->turn, SD_EVENT_ONESHOT);
}

bool berth_makings_has(const BerthMakings *makings, sd_bus_message *call, const char *name) {
    return find_making(makings, call, name) != NULL;
}

void berth_makings_await(BerthMakings *makings, sd_bus_message *call, const char *name) {
    g_ptr_array_add(find_making(makings, call, name)->calls, sd_bus_message_ref(call));
}
