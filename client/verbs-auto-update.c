/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist auto-update: restarts the units of containers with the label io.containers.autoupdate with a
 * newer image. A unit that does not become ready with it gets the previous image back, which a
 * lease keeps until the end of the run: neither its name nor a container does. The state of each
 * candidate only moves forward, from its check to the last restart; a candidate whose unit has
 * already been dealt with takes over that result. Units may share an image, so the previous target
 * of its name is read once, before the first of them is updated.
 */

#include "client/verbs-auto-update.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/listing.h"
#include "client/pull.h"
#include "client/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define UPDATE_LABEL "io.containers.autoupdate"

/* The lease expires if dist is killed. A pull and two restarts take less than this. */
enum { LEASE_SECONDS = 6 * 60 * 60 };

typedef enum {
    UPDATE_NONE,        /* its image is the newest */
    UPDATE_PENDING,     /* --dry-run: there is a newer one */
    UPDATE_DONE,        /* its unit runs with the newer one */
    UPDATE_ROLLED_BACK, /* it did not become ready and runs with the previous one again */
    UPDATE_FAILED,
} UpdateState;

typedef struct {
    char *id, *image, *unit, *policy;
    uint64_t created;
    UpdateState state;
} UpdateCandidate;

typedef enum {
    IMAGE_UNCHECKED, /* the registry has not been asked */
    IMAGE_NEWEST,    /* the registry has the same image */
    IMAGE_OUTDATED,  /* the registry has another image */
    IMAGE_PULLED,    /* the name refers to the new image now */
} UpdateImageState;

/* The image that a name referred to before the update. Strings belong to the reply. */
typedef struct {
    UpdateImageState state;
    sd_bus_message *reply;
    DistTarget target;
    uint64_t updated;
    GHashTable *labels;
    char *lease; /* keeps the image after a pull; NULL if the caller may not create leases */
} UpdateImage;

static struct { gboolean dry_run; } update_given;

const DistOption dist_auto_update_options[] = {
    {"dry-run", 0, DIST_OPTION_FLAG, &update_given.dry_run,
     N_("Only show which units would be restarted"), NULL},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

static void update_candidate_free(void *pointer) {
    UpdateCandidate *candidate = pointer;

    g_free(candidate->id);
    g_free(candidate->image);
    g_free(candidate->unit);
    g_free(candidate->policy);
    g_free(candidate);
}

/* A lease that cannot be deleted expires. */
static void release_image(const char *lease) {
    g_autoptr(sd_bus_message) reply = dist_call(NULL, DIST_LEASES, "Delete", "sa{sv}", lease, 0);
}

static void update_image_free(void *pointer) {
    UpdateImage *image = pointer;

    if (image->lease)
        release_image(image->lease);
    g_free(image->lease);
    sd_bus_message_unref(image->reply);
    g_hash_table_unref(image->labels);
    g_free(image);
}

/* Root updates units of the system manager, other users those of their own one, and each only
 * containers of its own: the label of a container in a unit with User= is that user's, who need not
 * have the right to pull the image or to restart the unit. A container that does not run has no
 * cgroup, and its unit uses the newest image when it is started. */
static bool is_unit_of_caller(const char *unit, const char *cgroup, uint32_t owner) {
    bool of_user = g_str_has_prefix(cgroup, "/user.slice/");

    return cgroup[0] && g_str_has_suffix(unit, ".service") && owner == geteuid() &&
           of_user == (geteuid() != 0);
}

/* Skips containers without the label, without a name for their image, or in units that are not the
 * caller's. */
static int read_candidate(sd_bus_message *reply, char **key, void *userdata) {
    g_autoptr(GHashTable) labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const char *id, *image = "", *unit = "", *cgroup = "";
    uint32_t owner = UINT32_MAX;
    uint64_t created = 0;
    const DistField fields[] = {
        {"Image", "s", &image}, {"Unit", "s", &unit},       {"Cgroup", "s", &cgroup},
        {"Owner", "u", &owner}, {"Created", "t", &created}, {"Labels", "a{ss}", labels},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &id, fields);

    if (r <= 0)
        return r;
    *key = g_strdup(id);
    const char *policy = g_hash_table_lookup(labels, UPDATE_LABEL);
    /* Other values, such as "disabled", request no update; the label may be the image's own. */
    if (!policy || (!g_str_equal(policy, "registry") && !g_str_equal(policy, "local")) ||
        !image[0] || !is_unit_of_caller(unit, cgroup, owner))
        return 1;
    UpdateCandidate *candidate = g_new0(UpdateCandidate, 1);
    candidate->id = g_strdup(id);
    candidate->image = g_strdup(image);
    candidate->unit = g_strdup(unit);
    candidate->policy = g_strdup(policy);
    candidate->created = created;
    g_ptr_array_add(userdata, candidate);
    return 1;
}

/* The image keeps the reply, which owns its strings. NULL with error. */
static UpdateImage *update_image_read(const char *name, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "Get", "sa{sv}", name, 0);

    if (!reply)
        return NULL;
    UpdateImage *image = g_new0(UpdateImage, 1);
    image->reply = g_steal_pointer(&reply);
    image->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const DistField fields[] = {
        {"Target", "(sst)", &image->target},
        {"Updated", "t", &image->updated},
        {"Labels", "a{ss}", image->labels},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read(image->reply, fields);
    if (r >= 0)
        return image;
    dist_bad_reply(r, error);
    update_image_free(image);
    return NULL;
}

/* The image of a name; images owns it. NULL with error. */
static UpdateImage *find_image(GHashTable *images, const char *name, GError **error) {
    UpdateImage *image = g_hash_table_lookup(images, name);

    if (!image && (image = update_image_read(name, error)))
        g_hash_table_insert(images, g_strdup(name), image);
    return image;
}

static bool check_image_registry(const char *name, UpdateImage *image, GError **error) {
    g_autofree char *digest = dist_resolve(name, error);

    if (!digest)
        return false;
    image->state = g_str_equal(digest, image->target.digest) ? IMAGE_NEWEST : IMAGE_OUTDATED;
    return true;
}

/* Uses systemctl(1), which waits until the unit is ready or has failed, and asks for passwords. */
static bool restart_unit(const char *unit, GError **error) {
    const char *arguments[] = {
        "systemctl", geteuid() == 0 ? "--system" : "--user", "restart", "--", unit, NULL};
    int status = 0;

    if (!g_spawn_sync(NULL, (char **)arguments, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL,
                      &status, error))
        return false;
    return g_spawn_check_wait_status(status, NULL) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           _("%s did not become ready with the new image"), unit);
}

/* Keeps an image although its name will refer to another one. Returns the id of the lease, which
 * the caller frees; NULL with error. */
static char *hold_image(const UpdateImage *image, GError **error) {
    uint64_t expires = (uint64_t)g_get_real_time() + LEASE_SECONDS * (uint64_t)G_USEC_PER_SEC;
    g_autoptr(sd_bus_message) created =
        dist_call(error, DIST_LEASES, "Create", "sa{sv}", "", 1, "Expires", "t", expires);
    const char *id;

    if (!created)
        return NULL;
    int r = sd_bus_message_read(created, "s", &id);
    if (r < 0)
        return dist_bad_reply(r, error), NULL;
    g_autofree char *lease = g_strdup(id);
    g_autoptr(sd_bus_message) added =
        dist_call(error, DIST_LEASES, "Add", "sasa{sv}", lease, 1, image->target.digest, 0);
    if (added)
        return g_steal_pointer(&lease);
    release_image(lease);
    return NULL;
}

/* With the labels that the name had before. */
static bool put_image(const char *name, const UpdateImage *image, GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_IMAGES, "Put");
    GHashTableIter iter;
    void *key, *value;
    int r;

    if (!call)
        return false;
    r = sd_bus_message_append(call, "s(sst)", name, image->target.media_type, image->target.digest,
                              image->target.size);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "{ss}");
    g_hash_table_iter_init(&iter, image->labels);
    while (r >= 0 && g_hash_table_iter_next(&iter, &key, &value))
        r = sd_bus_message_append(call, "{ss}", key, value);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    if (r >= 0)
        r = sd_bus_message_append(call, "a{sv}", 0);
    if (r < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error);
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    return reply != NULL;
}

/* Takes ownership of error, which may be NULL. */
static void report_update(const UpdateCandidate *candidate, GError *error) {
    if (!error)
        return;
    g_prefix_error(&error, "%s: ", candidate->unit);
    dist_print_error(error);
    g_error_free(error);
}

/* Rolling back is possible only if this run has pulled a new image. */
static UpdateState restart_or_roll_back(const UpdateCandidate *candidate, UpdateImage *image) {
    GError *error = NULL;

    if (restart_unit(candidate->unit, &error))
        return UPDATE_DONE;
    report_update(candidate, g_steal_pointer(&error));
    if (image->state != IMAGE_PULLED)
        return UPDATE_FAILED;
    if (put_image(candidate->image, image, &error)) {
        image->state = IMAGE_OUTDATED;
        if (restart_unit(candidate->unit, &error))
            return UPDATE_ROLLED_BACK;
    }
    report_update(candidate, error);
    return UPDATE_FAILED;
}

static bool pull_newer(const UpdateCandidate *candidate, UpdateImage *image, GError **error) {
    GError *not_held = NULL;

    /* A caller that may pull but not create leases gets the update nevertheless. */
    if (!image->lease && !(image->lease = hold_image(image, &not_held)))
        g_prefix_error(&not_held, "%s: ", _("the previous image is no longer stored"));
    report_update(candidate, not_held);
    if (!dist_pull(candidate->image, false, error))
        return false;
    image->state = IMAGE_PULLED;
    return true;
}

/* Errors are printed here, since one failing candidate does not end the run. */
static UpdateState update_candidate(const UpdateCandidate *candidate, GHashTable *images) {
    GError *error = NULL;
    bool from_registry = g_str_equal(candidate->policy, "registry");
    UpdateImage *image = find_image(images, candidate->image, &error);

    if (!image || (from_registry && image->state == IMAGE_UNCHECKED &&
                   !check_image_registry(candidate->image, image, &error))) {
        report_update(candidate, error);
        return UPDATE_FAILED;
    }
    bool to_pull = from_registry && image->state == IMAGE_OUTDATED;
    /* Update if this run, or another client, has pulled the image since the container was created.
     */
    if (!to_pull && image->state != IMAGE_PULLED && image->updated <= candidate->created)
        return UPDATE_NONE;
    if (update_given.dry_run)
        return UPDATE_PENDING;
    if (to_pull && !pull_newer(candidate, image, &error)) {
        report_update(candidate, error);
        return UPDATE_FAILED;
    }
    return restart_or_roll_back(candidate, image);
}

/* Several containers of one unit are handled once. */
static const UpdateCandidate *find_unit(const GPtrArray *candidates, unsigned count,
                                        const char *unit) {
    for (unsigned i = 0; i < count; i++) {
        const UpdateCandidate *candidate = candidates->pdata[i];
        if (g_str_equal(candidate->unit, unit))
            return candidate;
    }
    return NULL;
}

static bool print_candidates(const GPtrArray *candidates, GError **error) {
    static const char *const states[] = {
        [UPDATE_NONE] = "false",    [UPDATE_PENDING] = "pending",
        [UPDATE_DONE] = "true",     [UPDATE_ROLLED_BACK] = "rolled back",
        [UPDATE_FAILED] = "failed",
    };
    DistColumn columns[] = {
        {"unit", _("UNIT"), DIST_CELL_TEXT},       {"container", _("CONTAINER"), DIST_CELL_TEXT},
        {"image", _("IMAGE"), DIST_CELL_TEXT},     {"policy", _("POLICY"), DIST_CELL_TEXT},
        {"updated", _("UPDATED"), DIST_CELL_TEXT}, {NULL, NULL, DIST_CELL_TEXT},
    };
    g_autoptr(DistTable) table = dist_table_new(columns);

    for (unsigned i = 0; i < candidates->len; i++) {
        const UpdateCandidate *candidate = candidates->pdata[i];
        dist_table_add(table, candidate->unit, candidate->id, candidate->image, candidate->policy,
                       states[candidate->state]);
    }
    return dist_table_print(table, error);
}

int dist_verb_auto_update(char **argv, GError **error) {
    g_autoptr(GPtrArray) candidates = g_ptr_array_new_with_free_func(update_candidate_free);
    g_autoptr(GHashTable) images =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, update_image_free);
    const DistListing containers = {DIST_CONTAINERS, "List"};
    bool good = true;

    (void)argv;
    if (dist_settings.machine) {
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                        _("auto-update restarts units of this machine only"));
        return EXIT_FAILURE;
    }
    if (!dist_list(&containers, read_candidate, candidates, error))
        return EXIT_FAILURE;
    for (unsigned i = 0; i < candidates->len; i++) {
        UpdateCandidate *candidate = candidates->pdata[i];
        const UpdateCandidate *other = find_unit(candidates, i, candidate->unit);
        candidate->state = other ? other->state : update_candidate(candidate, images);
        good = good && candidate->state < UPDATE_ROLLED_BACK;
    }
    return print_candidates(candidates, error) && good ? EXIT_SUCCESS : EXIT_FAILURE;
}
