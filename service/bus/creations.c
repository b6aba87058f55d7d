/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Creation is BEING MADE while its count is above 0. It is then SETTLED until a separate
 * iteration of the loop has resumed the calls that wait for it. Until then it stays in the table,
 * so that a call that arrives in between is resumed after the others and not before. The set owns
 * the creations, which own references to the waiting calls.
 */

#include "bus/creations.h"

#include <glib.h>

typedef struct {
    char *name;
    unsigned count; /* number of its makers: the call itself and operations that it has started */
    bool made;
    GPtrArray *calls; /* calls that wait for it */
} Creation;

struct BerthCreations {
    GHashTable *table; /* "CLIENT NAME" → Creation */
    sd_event_source *turn;
    BerthCreationSettled settled;
    void *userdata;
};

static void creations_unref_call(gpointer call) {
    sd_bus_message_unref(call);
}

static void creation_free(gpointer data) {
    Creation *creation = data;

    g_free(creation->name);
    g_ptr_array_unref(creation->calls);
    g_free(creation);
}

static void resume_calls(BerthCreations *creations, const Creation *creation) {
    for (guint i = 0; i < creation->calls->len; i++)
        creations->settled(creation->calls->pdata[i], creation->name, creation->made,
                           creations->userdata);
}

/* A resumed call may begin or end another creation, so the table must not be iterated during
 * that. */
static int on_turn(sd_event_source *source, void *userdata) {
    BerthCreations *creations = userdata;
    g_autoptr(GPtrArray) settled = g_ptr_array_new_with_free_func(creation_free);
    GHashTableIter iterator;
    gpointer key, value;

    (void)source;
    g_hash_table_iter_init(&iterator, creations->table);
    while (g_hash_table_iter_next(&iterator, &key, &value))
        if (((Creation *)value)->count == 0) {
            g_ptr_array_add(settled, value);
            g_hash_table_iter_steal(&iterator);
            g_free(key);
        }
    for (guint i = 0; i < settled->len; i++)
        resume_calls(creations, settled->pdata[i]);
    return 0;
}

BerthCreations *berth_creations_new(sd_event *event, BerthCreationSettled settled, void *userdata) {
    BerthCreations *creations = g_new0(BerthCreations, 1);

    creations->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, creation_free);
    creations->settled = settled;
    creations->userdata = userdata;
    if (sd_event_add_defer(event, &creations->turn, on_turn, creations) >= 0)
        (void)sd_event_source_set_enabled(creations->turn, SD_EVENT_OFF);
    return creations;
}

void berth_creations_free(BerthCreations *creations) {
    if (!creations)
        return;
    g_hash_table_unref(creations->table);
    sd_event_source_disable_unref(creations->turn);
    g_free(creations);
}

static char *creation_make_key(sd_bus_message *call, const char *name) {
    return g_strconcat(sd_bus_message_get_sender(call), " ", name, NULL);
}

static Creation *find_creation(const BerthCreations *creations, sd_bus_message *call,
                               const char *name) {
    g_autofree char *key = creation_make_key(call, name);

    return g_hash_table_lookup(creations->table, key);
}

/* An object whose name the client did not choose cannot be waited for, since no other call could
 * name it. */
void berth_creations_begin(BerthCreations *creations, sd_bus_message *call, const char *name) {
    Creation *creation = find_creation(creations, call, name);

    if (name[0] == '\0')
        return;
    if (!creation) {
        creation = g_new0(Creation, 1);
        creation->name = g_strdup(name);
        creation->calls = g_ptr_array_new_with_free_func(creations_unref_call);
        g_hash_table_insert(creations->table, creation_make_key(call, name), creation);
    }
    creation->count++;
}

/* One success is sufficient: made stays true even if another attempt of the same client fails. */
void berth_creations_end(BerthCreations *creations, sd_bus_message *call, const char *name,
                         bool made) {
    Creation *creation = find_creation(creations, call, name);

    if (!creation || creation->count == 0)
        return;
    creation->made = creation->made || made;
    if (--creation->count == 0)
        (void)sd_event_source_set_enabled(creations->turn, SD_EVENT_ONESHOT);
}

bool berth_creations_has(const BerthCreations *creations, sd_bus_message *call, const char *name) {
    return find_creation(creations, call, name) != NULL;
}

bool berth_creations_is_awaited(const BerthCreations *creations, sd_bus_message *call,
                                const char *name) {
    const Creation *creation = find_creation(creations, call, name);

    return creation && creation->calls->len > 0;
}

void berth_creations_await(BerthCreations *creations, sd_bus_message *call, const char *name) {
    g_ptr_array_add(find_creation(creations, call, name)->calls, sd_bus_message_ref(call));
}
