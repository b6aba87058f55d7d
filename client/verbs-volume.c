/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist volume: directories of the service that outlive containers. dist keeps nothing of them; each
 * verb is a call, or a listing. */

#include "client/verbs.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/list-filter.h"
#include "client/listing.h"
#include "client/table.h"
#include "client/verbs-prune.h"

#include <stdio.h>
#include <stdlib.h>

static struct { gboolean ignore; } volume_create_given;

static const DistOption volume_create_options[] = {
    {"ignore", 0, DIST_OPTION_FLAG, &volume_create_given.ignore,
     N_("Leave one that exists as it is"), NULL},
    DIST_OPTION_END,
};

/* AlreadyExists is no error with --ignore, which units use (berth-generator). */
static bool volume_create_one(const char *name, const void *userdata, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_VOLUMES, "Create", "sa{sv}", name, 0);

    (void)userdata;
    if (reply || !volume_create_given.ignore ||
        !g_error_matches(*error, BERTH_ERROR, BERTH_ERROR_ALREADY_EXISTS))
        return reply != NULL;
    g_clear_error(error);
    return true;
}

static int volume_create(char **argv, GError **error) {
    (void)error;
    return dist_for_each(argv + 1, volume_create_one, NULL);
}

static int volume_rm(char **argv, GError **error) {
    (void)error;
    return dist_call_each(DIST_VOLUMES, "Delete", argv + 1);
}

/* One item of a listing: 1, 0 at the end, negative on an error; as in the other verbs that list. */
static int read_volume(sd_bus_message *reply, char **key, void *userdata) {
    const char *name;
    uint64_t created = 0;
    uint32_t owner = 0;
    const DistField fields[] = {
        {"Owner", "u", &owner}, {"Created", "t", &created}, {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    dist_table_add(userdata, name, (int64_t)owner, (int64_t)created);
    *key = g_strdup(name);
    return 1;
}

static const DistFilterName volume_filters[] = {
    {"name", "Name", DIST_FILTER_PART},
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
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"owner", _("OWNER"), DIST_CELL_NUMBER},
        {"created", _("CREATED"), DIST_CELL_TIME},
        {NULL, NULL, DIST_CELL_TEXT},
    };
    const DistListing volumes = {DIST_VOLUMES, "List", .filter = append_volume_filter};

    (void)argv;
    if (!dist_filter_check(volume_filters, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&volumes, read_volume, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int volume_prune(char **argv, GError **error) {
    (void)argv;
    return dist_prune_volumes(error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const DistVerb volume_verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = N_("List volumes"),
     .options = volume_list_options,
     .run = volume_list},
    {.name = "ls",
     .arguments = "",
     .summary = N_("List volumes"),
     .options = volume_list_options,
     .run = volume_list},
    {.name = "create",
     .arguments = N_("NAME…"),
     .summary = N_("Create volumes"),
     .options = volume_create_options,
     .run = volume_create,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist volume create data"},
    {.name = "rm",
     .arguments = N_("NAME…"),
     .summary = N_("Delete volumes and the files in them"),
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
