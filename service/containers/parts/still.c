/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pauses that the service itself makes. The slot of a container is its Stillness, which exists
 * while there are readers or a request to pause or resume is under way:
 *
 *   RUNNING ──a reader──► PAUSING ──► PAUSED ──no reader──► RESUMING ──► RUNNING
 *
 * The record says that the pause is the service's own from before the request until after the
 * container has been resumed, so that after a crash in between, the next instance resumes it. A
 * pause that a user has requested is not recorded here, and remains.
 */

#include "containers/parts/still.h"

#include "base/log.h"
#include "containers/core/state.h"

/* In the record's extra, b; absent: no. */
#define HELD_STILL "HeldStill"

typedef enum { STILL_RUNNING, STILL_PAUSING, STILL_PAUSED, STILL_RESUMING } StillState;

typedef struct {
    BerthContainer *container; /* NULL if it is gone while a request is under way */
    StillState state;
    uint64_t changes;   /* of the container when it was paused */
    GPtrArray *readers; /* of BerthStill; they own themselves */
} Stillness;

struct BerthStill {
    Stillness *of; /* NULL if the container is gone */
    BerthContainerDone ready;
    void *userdata;
};

static void stillness_go_on(Stillness *stillness);

static Stillness *get_stillness(const BerthContainer *container) {
    return *berth_container_slot(container, &berth_still_part);
}

static void stillness_free(Stillness *stillness) {
    for (guint i = 0; i < stillness->readers->len; i++)
        ((BerthStill *)stillness->readers->pdata[i])->of = NULL;
    if (stillness->container)
        *berth_container_slot(stillness->container, &berth_still_part) = NULL;
    g_ptr_array_unref(stillness->readers);
    g_free(stillness);
}

bool berth_container_is_held_still(const BerthContainer *container) {
    g_autoptr(GVariant) held =
        berth_container_record_get_extra(&container->record, HELD_STILL, G_VARIANT_TYPE_BOOLEAN);

    return held && g_variant_get_boolean(held);
}

static bool write_held(BerthContainer *container, bool held, GError **error) {
    berth_container_record_set_extra(&container->record, HELD_STILL,
                                     held ? g_variant_new_boolean(TRUE) : NULL);
    return berth_container_write(container, NULL, error);
}

static void forget_held(BerthContainer *container) {
    g_autoptr(GError) error = NULL;

    if (!write_held(container, false, &error))
        berth_log_warning("BERTH_CONTAINER", container->record.id, "%s", error->message);
}

/* A reader may free itself, or others, when it is told. */
static void tell_readers(Stillness *stillness, const GError *error) {
    for (guint i = 0; i < stillness->readers->len;) {
        BerthStill *still = stillness->readers->pdata[i];
        BerthContainerDone ready = still->ready;
        if (!ready) {
            i++;
            continue;
        }
        still->ready = NULL;
        ready(error, still->userdata);
        i = 0;
    }
}

static void on_paused(const GError *error, void *userdata) {
    Stillness *stillness = userdata;
    BerthContainer *container = stillness->container;

    stillness->state = error ? STILL_RUNNING : STILL_PAUSED;
    if (container)
        stillness->changes = container->changes;
    if (error && container)
        forget_held(container);
    tell_readers(stillness, error);
    /* Readers of a container that is not paused are only waiting to be freed. */
    if (error)
        stillness_free(stillness);
    else
        stillness_go_on(stillness);
}

static void stillness_pause(Stillness *stillness) {
    g_autoptr(GError) error = NULL;

    stillness->state = STILL_PAUSING;
    /* Recorded first: a pause of which nobody knew the reason would last forever. */
    if (write_held(stillness->container, true, &error))
        berth_container_set_paused(stillness->container, true, on_paused, stillness);
    else
        on_paused(error, stillness);
}

/* An error means that it is not paused any more: it has ended, or a user has resumed it. */
static void on_resumed(const GError *error, void *userdata) {
    Stillness *stillness = userdata;

    if (error && stillness->container &&
        stillness->container->record.state == BERTH_CONTAINER_PAUSED)
        berth_log_warning("BERTH_CONTAINER", stillness->container->record.id, "%s", error->message);
    stillness->state = STILL_RUNNING;
    if (stillness->container)
        forget_held(stillness->container);
    stillness_go_on(stillness);
}

/* If it has run meanwhile, a user has resumed it, and any later pause is the user's. */
static void stillness_resume(Stillness *stillness) {
    stillness->state = STILL_RESUMING;
    if (stillness->container->changes == stillness->changes)
        berth_container_set_paused(stillness->container, false, on_resumed, stillness);
    else
        on_resumed(NULL, stillness);
}

static void stillness_go_on(Stillness *stillness) {
    bool is_wanted = stillness->readers->len > 0;

    if (!stillness->container || (stillness->state == STILL_RUNNING && !is_wanted))
        stillness_free(stillness);
    else if (stillness->state == STILL_RUNNING)
        stillness_pause(stillness);
    else if (stillness->state == STILL_PAUSED && !is_wanted)
        stillness_resume(stillness);
}

static Stillness *stillness_new(BerthContainer *container, StillState state) {
    Stillness *stillness = g_new0(Stillness, 1);

    *stillness = (Stillness){
        .container = container,
        .state = state,
        .changes = container->changes,
        .readers = g_ptr_array_new(),
    };
    *berth_container_slot(container, &berth_still_part) = stillness;
    return stillness;
}

/* Another reader has paused the container already. */
static void still_join(const BerthContainer *container, BerthContainerDone ready, void *userdata) {
    g_autoptr(GError) error = NULL;

    if (container->record.state != BERTH_CONTAINER_PAUSED)
        berth_error_set(&error, BERTH_ERROR_BUSY,
                        "container \"%s\" was resumed while its files are read",
                        container->record.id);
    ready(error, userdata);
}

BerthStill *berth_still_new(BerthContainer *container, BerthContainerDone ready, void *userdata) {
    Stillness *stillness = get_stillness(container);
    BerthStill *still = g_new0(BerthStill, 1);

    if (!stillness)
        stillness = stillness_new(container, STILL_RUNNING);
    bool is_paused = stillness->state == STILL_PAUSED;
    *still = (BerthStill){
        .of = stillness,
        .ready = is_paused ? NULL : ready,
        .userdata = userdata,
    };
    g_ptr_array_add(stillness->readers, still);
    if (is_paused)
        still_join(container, ready, userdata);
    else
        stillness_go_on(stillness);
    return still;
}

void berth_still_free(BerthStill *still) {
    if (!still)
        return;
    if (still->of) {
        g_ptr_array_remove(still->of->readers, still);
        stillness_go_on(still->of);
    }
    g_free(still);
}

/* A reader of the instance before has ended with it. */
static void still_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    if (!berth_container_is_held_still(container))
        return;
    if (container->record.state == BERTH_CONTAINER_PAUSED)
        stillness_resume(stillness_new(container, STILL_PAUSED));
    else
        forget_held(container);
}

static void still_freed(BerthContainer *container) {
    Stillness *stillness = get_stillness(container);

    if (!stillness)
        return;
    /* The callback of the request frees it. */
    if (stillness->state == STILL_PAUSING || stillness->state == STILL_RESUMING)
        stillness->container = NULL;
    else
        stillness_free(stillness);
}

const BerthPart berth_still_part = {
    .name = "still",
    .recovered = still_recovered,
    .freed = still_freed,
};
