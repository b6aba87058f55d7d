/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The closure is collected. If layers with a known source are missing, they are fetched, and the
 * closure is collected once more; anything still missing then is reported as such. The caller owns
 * a gathering until it reports, when it frees itself.
 */

#include "images/gathering.h"

#include "images/refetch.h"

typedef enum {
    GATHERING_COLLECTING,
    GATHERING_FETCHING,         /* the missing layers */
    GATHERING_COLLECTING_AGAIN, /* after fetching */
} GatheringState;

struct BerthGathering {
    BerthImages *images;
    GatheringState state;
    char *name;
    uint32_t owner;
    bool held_alone;
    BerthDescriptor *target;
    BerthPlatform *platform;
    BerthClosure *closure; /* while collecting */
    BerthRefetch *refetch; /* while fetching */
    BerthClosureDone done;
    void *userdata;
};

void berth_gathering_free(BerthGathering *gathering) {
    if (!gathering)
        return;
    berth_closure_free(gathering->closure);
    berth_refetch_forget(gathering->refetch);
    berth_descriptor_free(gathering->target);
    berth_platform_free(gathering->platform);
    g_free(gathering->name);
    g_free(gathering);
}

/* Freed before the callback, in which the caller may free everything else. */
static void gathering_report(BerthGathering *gathering, GPtrArray *items, const GError *error) {
    BerthClosureDone done = gathering->done;
    void *userdata = gathering->userdata;

    berth_gathering_free(gathering);
    done(items, error, userdata);
}

static bool gathering_collect(BerthGathering *gathering, GError **error);

/* The list of digests that are still missing is not needed: collecting again finds them as well. */
static void gathering_on_fetched(GPtrArray *missing, const GError *error, void *userdata) {
    BerthGathering *gathering = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)missing;
    gathering->refetch = NULL;
    gathering->state = GATHERING_COLLECTING_AGAIN;
    if (local || !gathering_collect(gathering, &local))
        gathering_report(gathering, NULL, local);
}

static void gathering_on_collected(GPtrArray *items, const GError *error, void *userdata) {
    BerthGathering *gathering = userdata;

    gathering->closure = NULL;
    if (error || gathering->state == GATHERING_COLLECTING_AGAIN) {
        gathering_report(gathering, items, error);
        return;
    }
    g_autoptr(GPtrArray) missing =
        berth_closure_list_missing(gathering->images, gathering->name, gathering->owner, items);
    if (missing->len == 0) {
        gathering_report(gathering, items, NULL);
        return;
    }
    gathering->state = GATHERING_FETCHING;
    const BerthRefetchRequest request = {
        .digests = missing, .owner = gathering->owner, .name = gathering->name};
    gathering->refetch =
        berth_images_refetch(gathering->images, &request, gathering_on_fetched, gathering);
}

/* The scope is the image's name: layers of other users count as missing, even if they are in the
 * store. If content that the name only borrows from other users must not be sent, the scope is the
 * owner. */
static bool gathering_collect(BerthGathering *gathering, GError **error) {
    const BerthClosureScope scope = {
        .name = gathering->held_alone ? NULL : gathering->name,
        .owner = gathering->owner,
    };

    gathering->closure =
        berth_closure_collect(gathering->images, gathering->target, gathering->platform, &scope,
                              gathering_on_collected, gathering, error);
    return gathering->closure != NULL;
}

BerthGathering *berth_gathering_new(BerthImages *images, const BerthGatheringRequest *request,
                                    BerthClosureDone done, void *userdata, GError **error) {
    BerthGathering *gathering = g_new0(BerthGathering, 1);
    const BerthPlatform *platform = request->platform;

    *gathering = (BerthGathering){.images = images,
                                  .name = g_strdup(request->name),
                                  .owner = request->owner,
                                  .held_alone = request->held_alone,
                                  .target = berth_descriptor_copy(request->target),
                                  .done = done,
                                  .userdata = userdata};
    if (platform)
        gathering->platform =
            berth_platform_new(platform->os, platform->architecture, platform->variant);
    if (gathering_collect(gathering, error))
        return gathering;
    berth_gathering_free(gathering);
    return NULL;
}
