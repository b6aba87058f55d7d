/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "containers/screens.h"

#include "worker/worker.h"

struct BerthScreens {
    sd_event *event;
    BerthWorker *worker;
    GHashTable *kept; /* token → Kept */
    uint64_t last_token;
};

typedef struct {
    BerthScreens *screens;
    uint64_t token;
    BerthScreenReleased released; /* NULL once it is forgotten */
    void *userdata;
} Kept;

BerthScreens *berth_screens_new(sd_event *event) {
    BerthScreens *screens = g_new0(BerthScreens, 1);

    screens->event = event;
    screens->kept = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    return screens;
}

void berth_screens_free(BerthScreens *screens) {
    if (!screens)
        return;
    berth_worker_free(screens->worker);
    g_hash_table_unref(screens->kept);
    g_free(screens);
}

static void tell(const Kept *kept, const GError *error) {
    if (kept->released)
        kept->released(error, kept->userdata);
}

/* All that it had is let go at once; the next that is kept starts another. */
static void bury_worker(BerthScreens *screens, const GError *error) {
    g_autoptr(GHashTable) kept = g_steal_pointer(&screens->kept);
    GHashTableIter iterator;
    gpointer value;

    screens->kept = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    g_clear_pointer(&screens->worker, berth_worker_free);
    g_hash_table_iter_init(&iterator, kept);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        tell(value, error);
}

static void on_released(sd_bus_message *reply, const GError *error, void *userdata) {
    Kept *kept = userdata;
    BerthScreens *screens = kept->screens;

    (void)reply;
    if (error) {
        bury_worker(screens, error);
        return;
    }
    g_hash_table_steal(screens->kept, &kept->token);
    if (g_hash_table_size(screens->kept) == 0)
        g_clear_pointer(&screens->worker, berth_worker_free);
    tell(kept, NULL);
    g_free(kept);
}

static void on_asked(sd_bus_message *reply, const GError *error, void *userdata) {
    /* Keep is what is answered. */
    (void)reply;
    (void)error;
    (void)userdata;
}

uint64_t berth_screens_keep(BerthScreens *screens, int master, int screen,
                            BerthScreenReleased released, void *userdata, GError **error) {
    if (!screens->worker &&
        !(screens->worker = berth_worker_new(screens->event, "screen", -1, error)))
        return 0;
    Kept *kept = g_new0(Kept, 1);
    *kept = (Kept){screens, ++screens->last_token, released, userdata};
    g_hash_table_insert(screens->kept, &kept->token, kept);
    sd_bus_message *call = berth_worker_new_call(screens->worker, "Keep");
    if (call)
        sd_bus_message_append(call, "thh", kept->token, master, screen);
    berth_worker_send(screens->worker, call, on_released, kept);
    return kept->token;
}

void berth_screens_release(BerthScreens *screens, uint64_t token) {
    if (!g_hash_table_contains(screens->kept, &token))
        return;
    sd_bus_message *call = berth_worker_new_call(screens->worker, "Release");
    if (call)
        sd_bus_message_append(call, "t", token);
    berth_worker_send(screens->worker, call, on_asked, NULL);
}

void berth_screens_forget(BerthScreens *screens, uint64_t token) {
    Kept *kept = g_hash_table_lookup(screens->kept, &token);

    if (!kept)
        return;
    kept->released = NULL;
    berth_screens_release(screens, token);
}
