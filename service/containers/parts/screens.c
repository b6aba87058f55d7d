/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berthd's side of berth-screen, which reads terminals that have no attached client. A KeptScreen
 * is a terminal that a worker looks after, from berth_screens_keep() until the worker has released
 * it. A ReaderCall is any other call that may block on a client's terminal. A Reader is the worker
 * of one owner, so that a user who blocks a terminal delays no other user. It exists while it reads
 * a terminal or waits for a call, and is freed with the last of them. If the worker dies, its
 * terminals are returned to those who handed them over. The terminals part (terminals.c) owns
 * everything here.
 */

#include "containers/parts/screens.h"

#include "worker/calls.h"
#include "worker/worker.h"

/* A worker that has not released a terminal by then is blocked by a client that shares the
 * terminal. */
#define ANSWER_USEC (2 * G_USEC_PER_SEC)

struct BerthScreens {
    sd_event *event;
    GHashTable *readers;  /* owner → Reader */
    GHashTable *by_token; /* token → KeptScreen */
    uint64_t last_token;
};

typedef struct {
    BerthScreens *screens;
    uint32_t owner;
    BerthWorker *worker;
    GPtrArray *own_screens; /* of KeptScreen; those of BerthScreens.by_token with this reader */
    GPtrArray *calls;       /* of ReaderCall, owned */
    unsigned
        pending_requests; /* requests to the worker that are not finished: releases and calls */
    sd_event_source *timeout;
} Reader;

typedef struct {
    Reader *reader;
    uint64_t token;
    bool release_requested;       /* to release it */
    BerthScreenReleased released; /* NULL once it has been forgotten */
    void *userdata;
} KeptScreen;

typedef struct {
    Reader *reader;
    BerthScreenDone done; /* NULL if nobody waits */
    void *userdata;
} ReaderCall;

static void free_reader(gpointer data) {
    Reader *reader = data;

    berth_worker_free(reader->worker);
    if (reader->timeout)
        sd_event_source_disable_unref(reader->timeout);
    g_ptr_array_unref(reader->own_screens);
    g_ptr_array_unref(reader->calls);
    g_free(reader);
}

BerthScreens *berth_screens_new(sd_event *event) {
    BerthScreens *screens = g_new0(BerthScreens, 1);

    screens->event = event;
    screens->readers = g_hash_table_new_full(NULL, NULL, NULL, free_reader);
    screens->by_token = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    return screens;
}

void berth_screens_free(BerthScreens *screens) {
    if (!screens)
        return;
    g_hash_table_unref(screens->readers);
    g_hash_table_unref(screens->by_token);
    g_free(screens);
}

/* Ends a reader whose worker has died or does not answer. It is removed from the tables before the
 * callbacks run, which may need a new reader for the same owner. */
static void reader_fail(Reader *reader, const GError *error) {
    BerthScreens *screens = reader->screens;

    g_hash_table_steal(screens->readers, GUINT_TO_POINTER(reader->owner));
    /* Freeing the worker ensures that none of its callbacks runs after this, when it could find a
     * KeptScreen that is freed below. */
    g_clear_pointer(&reader->worker, berth_worker_free);
    for (guint i = 0; i < reader->own_screens->len; i++)
        g_hash_table_steal(screens->by_token,
                           &((KeptScreen *)reader->own_screens->pdata[i])->token);
    for (guint i = 0; i < reader->own_screens->len; i++) {
        g_autofree KeptScreen *kept = reader->own_screens->pdata[i];
        if (kept->released)
            kept->released(error, kept->userdata);
    }
    for (guint i = 0; i < reader->calls->len; i++) {
        const ReaderCall *call = reader->calls->pdata[i];
        if (call->done)
            call->done(error, call->userdata);
    }
    free_reader(reader);
}

static int on_reader_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    Reader *reader = userdata;
    g_autoptr(GError) error = NULL;

    (void)source;
    (void)usec;
    berth_error_set(&error, BERTH_ERROR_BUSY,
                    "a program that shares a terminal of user %u blocked the reader of the "
                    "terminal, which was terminated",
                    reader->owner);
    reader_fail(reader, error);
    return 0;
}

static Reader *find_reader(BerthScreens *screens, uint32_t owner, GError **error) {
    Reader *reader = g_hash_table_lookup(screens->readers, GUINT_TO_POINTER(owner));
    BerthWorker *worker;
    int r;

    if (reader)
        return reader;
    if (!(worker = berth_worker_new(screens->event, "screen", -1, error)))
        return NULL;
    reader = g_new0(Reader, 1);
    *reader = (Reader){.screens = screens, .owner = owner, .worker = worker};
    reader->own_screens = g_ptr_array_new();
    reader->calls = g_ptr_array_new_with_free_func(g_free);
    g_hash_table_insert(screens->readers, GUINT_TO_POINTER(owner), reader);
    if ((r = sd_event_add_time_relative(screens->event, &reader->timeout, CLOCK_MONOTONIC,
                                        ANSWER_USEC, 0, on_reader_timeout, reader)) < 0 ||
        (r = sd_event_source_set_enabled(reader->timeout, SD_EVENT_OFF)) < 0)
        g_error("out of memory");
    return reader;
}

/* One timer for all requests of a reader: the first one starts it, and each answer extends it. */
static void expect_answer(Reader *reader) {
    if (reader->pending_requests++ > 0)
        return;
    sd_event_source_set_time_relative(reader->timeout, ANSWER_USEC);
    sd_event_source_set_enabled(reader->timeout, SD_EVENT_ONESHOT);
}

static void note_answer(Reader *reader) {
    if (--reader->pending_requests == 0)
        sd_event_source_set_enabled(reader->timeout, SD_EVENT_OFF);
    else
        sd_event_source_set_time_relative(reader->timeout, ANSWER_USEC);
}

/* May free the reader. */
static void end_if_unused(Reader *reader) {
    if (reader->own_screens->len == 0 && reader->calls->len == 0)
        g_hash_table_remove(reader->screens->readers, GUINT_TO_POINTER(reader->owner));
}

/* The reply to Keep, which arrives only when the worker has released the terminal. An error means
 * that the worker has died, and will not release anything else either. */
static void screens_on_released(sd_bus_message *reply, const GError *error, void *userdata) {
    KeptScreen *kept = userdata;
    Reader *reader = kept->reader;

    (void)reply;
    if (error) {
        reader_fail(reader, error);
        return;
    }
    g_hash_table_steal(reader->screens->by_token, &kept->token);
    g_ptr_array_remove_fast(reader->own_screens, kept);
    if (kept->release_requested)
        note_answer(reader);
    end_if_unused(reader);
    if (kept->released)
        /* Called last, since it may hand over another terminal of the same owner, and so need a new
         * reader. */
        kept->released(NULL, kept->userdata);
    g_free(kept);
}

static void on_asked(sd_bus_message *reply, const GError *error, void *userdata) {
    /* The release itself is reported by the reply to Keep (screens_on_released). */
    (void)reply;
    (void)error;
    (void)userdata;
}

uint64_t berth_screens_keep(BerthScreens *screens, uint32_t owner, int master, int screen,
                            BerthScreenReleased released, void *userdata, GError **error) {
    Reader *reader = find_reader(screens, owner, error);

    if (!reader)
        return 0;
    KeptScreen *kept = g_new0(KeptScreen, 1);
    *kept = (KeptScreen){reader, ++screens->last_token, false, released, userdata};
    g_hash_table_insert(screens->by_token, &kept->token, kept);
    g_ptr_array_add(reader->own_screens, kept);
    berth_call_screen_keep(reader->worker, kept->token, master, screen, screens_on_released, kept);
    return kept->token;
}

void berth_screens_release(BerthScreens *screens, uint64_t token) {
    KeptScreen *kept = g_hash_table_lookup(screens->by_token, &token);

    if (!kept || kept->release_requested)
        return;
    kept->release_requested = true;
    expect_answer(kept->reader);
    berth_call_screen_release(kept->reader->worker, token, on_asked, NULL);
}

void berth_screens_forget(BerthScreens *screens, uint64_t token) {
    KeptScreen *kept = g_hash_table_lookup(screens->by_token, &token);

    if (!kept)
        return;
    /* The worker still releases the terminal; only the caller is no longer interested. */
    kept->released = NULL;
    berth_screens_release(screens, token);
}

static void reader_on_call(sd_bus_message *reply, const GError *error, void *userdata) {
    ReaderCall *call = userdata;
    Reader *reader = call->reader;
    /* Copied, because the call is freed before the callback, which may start another one. */
    BerthScreenDone done = call->done;
    void *done_userdata = call->userdata;

    (void)reply;
    note_answer(reader);
    g_ptr_array_remove_fast(reader->calls, call);
    end_if_unused(reader);
    if (done)
        done(error, done_userdata);
}

static ReaderCall *reader_add_call(Reader *reader, BerthScreenDone done, void *userdata) {
    ReaderCall *call = g_new0(ReaderCall, 1);

    *call = (ReaderCall){reader, done, userdata};
    g_ptr_array_add(reader->calls, call);
    expect_answer(reader);
    return call;
}

void berth_screens_type(BerthScreens *screens, uint32_t owner, int master, uint8_t character,
                        BerthScreenDone done, void *userdata) {
    g_autoptr(GError) error = NULL;
    Reader *reader = find_reader(screens, owner, &error);

    if (!reader) {
        done(error, userdata);
        return;
    }
    berth_call_screen_type(reader->worker, master, character, reader_on_call,
                           reader_add_call(reader, done, userdata));
}

void berth_screens_ring(BerthScreens *screens, uint32_t owner, int bell) {
    Reader *reader = find_reader(screens, owner, NULL);

    if (!reader)
        return;
    berth_call_screen_ring(reader->worker, bell, reader_on_call,
                           reader_add_call(reader, NULL, NULL));
}
