/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The scheduler for the objects of a pull. A limited number of them is fetched at a time
 * (ParallelObjects=); the others are queued in the order of the requests. An object that waits for
 * another transfer gives its slot to the next one, and is queued again when it no longer has to
 * wait. The pull owns the scheduler, which owns its objects.
 */

#include "images/pull-private.h"

/* As many as an image may have when it is read from the store (closure.c). Each takes memory, and
 * documents from outside may name any number. */
enum { MAX_OBJECTS = 20000 };

typedef struct {
    BerthPullObjects *objects;
    BerthPullObject *object;
    BerthDescriptor *descriptor;
    bool has_place;
    BerthPullFetched done;
    void *userdata;
} Fetching;

struct BerthPullObjects {
    const BerthPullContext *context;
    GPtrArray *all;       /* of Fetching: unfinished */
    GQueue queued;        /* of Fetching: waiting for a slot, in order */
    unsigned places;      /* number of slots taken */
    unsigned requested;   /* number of requests so far */
    GHashTable *embedded; /* digest → GBytes */
};

static void fetching_free(gpointer data) {
    Fetching *fetching = data;

    berth_pull_object_free(fetching->object);
    berth_descriptor_free(fetching->descriptor);
    g_free(fetching);
}

BerthPullObjects *berth_pull_objects_new(const BerthPullContext *context) {
    BerthPullObjects *objects = g_new0(BerthPullObjects, 1);

    objects->context = context;
    objects->all = g_ptr_array_new_with_free_func(fetching_free);
    objects->embedded =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    return objects;
}

/* The queue holds no references; the array owns each Fetching. */
void berth_pull_objects_free(BerthPullObjects *objects) {
    if (!objects)
        return;
    g_queue_clear(&objects->queued);
    g_ptr_array_unref(objects->all);
    g_hash_table_unref(objects->embedded);
    g_free(objects);
}

/* The content is not verified here: it is hashed when it is stored, like content from the
 * network. */
void berth_pull_objects_embed(BerthPullObjects *objects, const char *digest, GBytes *content) {
    g_hash_table_replace(objects->embedded, g_strdup(digest), g_bytes_ref(content));
}

/* An object may be done as soon as it is started, which calls this function again from within. */
static void pull_objects_schedule(BerthPullObjects *objects) {
    const BerthPullContext *context = objects->context;

    while (objects->places < context->images->remotes->settings->parallel_objects &&
           !berth_operation_has_ended(context->transfer->operation)) {
        Fetching *next = g_queue_pop_head(&objects->queued);
        if (!next)
            return;
        next->has_place = true;
        objects->places++;
        berth_pull_object_start(next->object);
    }
}

static void fetching_leave_place(Fetching *fetching) {
    if (fetching->has_place)
        fetching->objects->places--;
    fetching->has_place = false;
}

/* The callback comes last: it may request more objects, or end the pull. */
static void fetching_end(Fetching *fetching, const GError *error) {
    BerthPullObjects *objects = fetching->objects;
    g_autoptr(BerthDescriptor) descriptor = g_steal_pointer(&fetching->descriptor);
    g_autoptr(GError) copy = error ? g_error_copy(error) : NULL;
    BerthPullFetched done = fetching->done;
    void *userdata = fetching->userdata;

    fetching_leave_place(fetching);
    g_ptr_array_remove_fast(objects->all, fetching);
    pull_objects_schedule(objects);
    done(descriptor, copy, userdata);
}

/* An object that has waited is queued at the end, after those that were requested in the
 * meantime. */
static void fetching_on_changed(BerthPullObject *object, const GError *error, void *userdata) {
    Fetching *fetching = userdata;
    BerthPullObjects *objects = fetching->objects;

    switch (berth_pull_object_get_state(object)) {
    case BERTH_PULL_OBJECT_WAITING:
        fetching_leave_place(fetching);
        pull_objects_schedule(objects);
        break;
    case BERTH_PULL_OBJECT_QUEUED:
        g_queue_push_tail(&objects->queued, fetching);
        pull_objects_schedule(objects);
        break;
    case BERTH_PULL_OBJECT_DONE:
    case BERTH_PULL_OBJECT_FAILED:
        fetching_end(fetching, error);
        break;
    case BERTH_PULL_OBJECT_PROVING:
    case BERTH_PULL_OBJECT_FETCHING:
    default:
        break;
    }
}

static void pull_objects_add(BerthPullObjects *objects, const BerthPullFetch *fetch,
                             BerthTransferItem *item) {
    Fetching *fetching = g_new0(Fetching, 1);
    const BerthPullObjectRequest request = {
        .descriptor = fetch->descriptor,
        .item = item,
        .embedded = g_hash_table_lookup(objects->embedded, fetch->descriptor->digest),
        .stream = fetch->stream,
        .stream_userdata = fetch->userdata,
        .changed = fetching_on_changed,
        .userdata = fetching,
    };

    fetching->objects = objects;
    fetching->descriptor = berth_descriptor_copy(fetch->descriptor);
    fetching->done = fetch->done;
    fetching->userdata = fetch->userdata;
    fetching->object = berth_pull_object_new(objects->context, &request);
    g_ptr_array_add(objects->all, fetching);
    g_queue_push_tail(&objects->queued, fetching);
    pull_objects_schedule(objects);
}

/* Pinned before anything else, so that a concurrent collection does not remove it. done may be
 * called before this returns. */
void berth_pull_objects_fetch(BerthPullObjects *objects, const BerthPullFetch *fetch) {
    const BerthPullContext *context = objects->context;
    const BerthDescriptor *descriptor = fetch->descriptor;
    BerthTransferItem *item = fetch->item;
    g_autoptr(GError) error = NULL;

    if (++objects->requested > MAX_OBJECTS) {
        berth_error_set(&error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "the image reaches more than %d objects", MAX_OBJECTS);
        fetch->done(descriptor, error, fetch->userdata);
        return;
    }
    berth_pins_add(context->pins, descriptor->digest);
    if (!item)
        item = berth_transfer_add_item(context->transfer, descriptor->digest, "waiting",
                                       descriptor->size);
    /* Without its row, the lease would not keep the object, and nobody would notice. */
    if (context->lease && !berth_lease_store_add(context->images->database, context->lease,
                                                 descriptor->digest, &error)) {
        fetch->done(descriptor, error, fetch->userdata);
    } else if (berth_pull_is_stored(context, descriptor->digest) &&
               berth_pull_use_stored(context, descriptor->digest)) {
        item->phase = "exists";
        item->done = item->total;
        fetch->done(descriptor, NULL, fetch->userdata);
    } else {
        pull_objects_add(objects, fetch, item);
    }
}
