/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist volume: directories of the service that outlive containers. dist keeps no state of them;
 * each verb is a call or a listing.
 */

#include "client/verbs.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/format.h"
#include "client/list-filter.h"
#include "client/listing.h"
#include "client/message.h"
#include "client/system-info.h"
#include "client/table.h"
#include "client/verbs-prune.h"

#include <stdio.h>
#include <stdlib.h>

static struct {
    gboolean ignore;
    char **labels;
} volume_create_given;

static const char *const volume_drivers[] = {"local", NULL};

/* docker's word: volumes are not of a swarm. */
#define VOLUME_SCOPE "local"

static const DistOption volume_create_options[] = {
    {"driver", 'd', DIST_OPTION_ONLY, NULL, N_("volumes are directories of the service"),
     N_("DRIVER"), .choices = volume_drivers},
    {"ignore", 0, DIST_OPTION_FLAG, &volume_create_given.ignore,
     N_("Do nothing if it exists already"), NULL},
    {"label", 'l', DIST_OPTION_LIST, &volume_create_given.labels, N_("Add a label"),
     N_("KEY=VALUE")},
    DIST_OPTION_END,
};

/* With --ignore, which units use (berth-generator), AlreadyExists is not an error: the volume is
 * there, and its name is printed. */
static bool volume_create_one(const char *name, const void *userdata, GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_VOLUMES, "Create");
    int r;

    (void)userdata;
    if (!call)
        return false;
    if ((r = sd_bus_message_append(call, "s", name)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = dist_append_labels(call, "Labels", volume_create_given.labels)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error);
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    if (!dist_reply_or_ignored(reply, volume_create_given.ignore, BERTH_ERROR_ALREADY_EXISTS,
                               error))
        return false;
    puts(name);
    return true;
}

static int volume_create(char **argv, GError **error) {
    (void)error;
    return dist_for_each(argv + 1, volume_create_one, NULL);
}

static struct { gboolean force; } volume_rm_given;

static const DistOption volume_rm_options[] = {
    {"force", 'f', DIST_OPTION_FLAG, &volume_rm_given.force, N_("Do not fail if it does not exist"),
     NULL},
    DIST_OPTION_END,
};

static int volume_rm(char **argv, GError **error) {
    (void)error;
    return volume_rm_given.force ? dist_delete_each_existing(DIST_VOLUMES, argv + 1)
                                 : dist_call_each(DIST_VOLUMES, "Delete", argv + 1);
}

/* The rows of volumes, and which of them --filter dangling= selects. */
typedef struct {
    DistTable *table;
    const char *dangling; /* "true", "false", or NULL for all */
    GHashTable *mounted;  /* names of volumes that containers mount */
} VolumeRows;

static int read_mounted(sd_bus_message *reply, char **key, void *userdata) {
    g_auto(GStrv) volumes = NULL;
    const DistField fields[] = {{"Volumes", "as", &volumes}, {NULL, NULL, NULL}};
    const char *id;
    int r = dist_dictionary_read_item(reply, &id, fields);

    for (char **volume = volumes; r > 0 && volume && *volume; volume++)
        g_hash_table_add(userdata, g_strdup(*volume));
    if (r > 0)
        *key = g_strdup(id);
    return r;
}

static int append_mounted(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return sd_bus_message_append(call, "{sv}", "Properties", "as", 1, "Volumes");
}

/* Containers know their volumes, but a volume does not know its containers: one more listing is
 * cheaper than having the service search all containers for each volume. */
static bool read_dangling(VolumeRows *rows, GError **error) {
    const DistListing containers = {DIST_CONTAINERS, "List", .filter = append_mounted};

    if (!(rows->dangling = dist_filter_find("dangling")))
        return true;
    if (!g_str_equal(rows->dangling, "true") && !g_str_equal(rows->dangling, "false"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("invalid value \"%s\" of %s"),
                               rows->dangling, "--filter dangling");
    return dist_list(&containers, read_mounted, rows->mounted, error);
}

typedef struct {
    const char *name;
    uint64_t created;
    uint32_t owner;
    GHashTable *labels; /* NULL if they are not wanted */
} Volume;

/* Reads an item of a listing, as in the other verbs that list: 1, or 0 at the end; negative errno
 * on error. */
static int read_volume(sd_bus_message *reply, char **key, Volume *volume) {
    const DistField fields[] = {
        {"Owner", "u", &volume->owner},
        {"Created", "t", &volume->created},
        {volume->labels ? "Labels" : NULL, "a{ss}", volume->labels},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &volume->name, fields);

    if (r > 0)
        *key = g_strdup(volume->name);
    return r;
}

static int list_volume(sd_bus_message *reply, char **key, void *userdata) {
    const VolumeRows *rows = userdata;
    Volume volume = {0};
    int r = read_volume(reply, key, &volume);

    if (r > 0 && (!rows->dangling || g_str_equal(rows->dangling, "false") ==
                                         g_hash_table_contains(rows->mounted, volume.name)))
        dist_table_add(rows->table, volume.name, (int64_t)volume.owner, (int64_t)volume.created,
                       volume_drivers[0], VOLUME_SCOPE);
    return r;
}

static const DistFilterName volume_filters[] = {
    {"name", "Name", DIST_FILTER_PART},
    {"label", "Labels", DIST_FILTER_LABEL},
    {"dangling", NULL, DIST_FILTER_ADDITION},
    {NULL},
};

static const DistOption volume_list_options[] = {
    DIST_OPTION_INCLUDE(dist_filter_options),
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

static int append_volume_filter(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return dist_filter_append(call, volume_filters, NULL);
}

static int volume_list(char **argv, GError **error) {
    DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},       {"owner", _("OWNER"), DIST_CELL_NUMBER},
        {"created", _("CREATED"), DIST_CELL_TIME}, {"driver", NULL, DIST_CELL_TEXT},
        {"scope", NULL, DIST_CELL_TEXT},           {NULL, NULL, DIST_CELL_TEXT},
    };
    const DistListing volumes = {DIST_VOLUMES, "List", .filter = append_volume_filter};
    g_autoptr(GHashTable) mounted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    VolumeRows rows = {.mounted = mounted};

    (void)argv;
    if (!dist_filter_check(volume_filters, error) || !read_dangling(&rows, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    rows.table = table;
    if (!dist_list(&volumes, list_volume, &rows, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

typedef struct {
    DistTable *table;
    const char *state_path;
    char *const *names; /* those that were asked for */
    GHashTable *found;
} VolumeInspection;

static int inspect_volume(sd_bus_message *reply, char **key, void *userdata) {
    const VolumeInspection *inspection = userdata;
    g_autoptr(GHashTable) labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    Volume volume = {.labels = labels};
    int r = read_volume(reply, key, &volume);

    if (r <= 0 || !g_strv_contains((const char *const *)inspection->names, volume.name))
        return r;
    g_autofree char *pairs = dist_format_labels(labels);
    g_autofree char *mountpoint =
        g_build_filename(inspection->state_path, "volumes", volume.name, NULL);
    dist_table_add(inspection->table, volume.name, (int64_t)volume.owner, (int64_t)volume.created,
                   mountpoint, pairs, volume_drivers[0], VOLUME_SCOPE, "{}");
    g_hash_table_add(inspection->found, g_strdup(volume.name));
    return 1;
}

/* Prints JSON, as for a network, unless --format says otherwise. */
static int volume_inspect(char **argv, GError **error) {
    const DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"owner", _("OWNER"), DIST_CELL_NUMBER},
        {"created", _("CREATED"), DIST_CELL_TIME},
        {"mountpoint", NULL, DIST_CELL_TEXT},
        {"labels", NULL, DIST_CELL_JSON},
        {"driver", NULL, DIST_CELL_TEXT},
        {"scope", NULL, DIST_CELL_TEXT},
        {"options", NULL, DIST_CELL_JSON},
        {NULL, NULL, 0},
    };
    const DistListing volumes = {DIST_VOLUMES, "List"};
    g_autofree char *state_path = dist_system_find_state_path(error);
    g_autoptr(DistTable) table = dist_table_new(columns);
    g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    VolumeInspection inspection = {table, state_path, argv + 1, found};

    dist_table_prefer_json();
    if (!state_path || !dist_list(&volumes, inspect_volume, &inspection, error))
        return EXIT_FAILURE;
    for (char **name = argv + 1; *name; name++)
        if (!g_hash_table_contains(found, *name)) {
            berth_error_set(error, BERTH_ERROR_NOT_FOUND, _("there is no volume \"%s\""), *name);
            return EXIT_FAILURE;
        }
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int volume_prune(char **argv, GError **error) {
    (void)argv;
    return dist_prune_volumes(error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int volume_exists(char **argv, GError **error) {
    return dist_list_find(DIST_VOLUMES, argv[1], error);
}

static const DistVerb volume_verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = N_("List volumes"),
     .options = volume_list_options,
     .run = volume_list,
     .details = N_("Filters: name, label, dangling=true|false (no container mounts it)."),
     .example = "dist volume ls --filter dangling=true"},
    {.name = "ls",
     .arguments = "",
     .summary = N_("List volumes"),
     .options = volume_list_options,
     .run = volume_list,
     .details = N_("Filters: name, label, dangling=true|false (no container mounts it)."),
     .example = "dist volume ls --filter dangling=true"},
    {.name = "create",
     .arguments = N_("NAME…"),
     .summary = N_("Create volumes"),
     .options = volume_create_options,
     .run = volume_create,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist volume create data"},
    {.name = "exists",
     .arguments = N_("NAME"),
     .summary = N_("Check whether a volume exists; the status is 1 if not"),
     .run = volume_exists,
     .min = 1,
     .max = 1},
    {.name = "inspect",
     .arguments = N_("NAME…"),
     .summary = N_("Print volumes as JSON"),
     .options = dist_inspect_table_options,
     .run = volume_inspect,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist volume inspect --format={{.Mountpoint}} data"},
    {.name = "rm",
     .arguments = N_("NAME…"),
     .summary = N_("Delete volumes and the files in them"),
     .options = volume_rm_options,
     .run = volume_rm,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "prune",
     .arguments = "",
     .summary = N_("Delete the volumes that no container mounts"),
     .options = dist_prune_options,
     .run = volume_prune},
    {.name = NULL},
};

const DistVerb dist_volume_verbs[] = {
    {.name = "volume",
     .arguments = "VERB",
     .summary = N_("Work with volumes: directories that outlive containers"),
     .verbs = volume_verbs},
    {.name = NULL},
};
