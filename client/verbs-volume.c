/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist volume. */

#include "verbs-volume.h"

#include "table.h"

#include <stdio.h>
#include <stdlib.h>

static int verb_create(int argc, char **argv, GError **error) {
    return dist_call_each(DIST_VOLUMES, "Create", _("NAME…"), _("Make volumes."), argc, argv,
                          error);
}

static int verb_rm(int argc, char **argv, GError **error) {
    return dist_call_each(DIST_VOLUMES, "Delete", _("NAME…"),
                          _("Delete volumes with what is in them."), argc, argv, error);
}

static int read_volume(sd_bus_message *reply, char **key, void *userdata) {
    const char *name;
    uint64_t created;
    uint32_t owner;
    int r = sd_bus_message_read(reply, "(sut)", &name, &owner, &created);

    if (r <= 0)
        return r;
    dist_table_add(userdata, name, (int64_t)owner, (int64_t)created);
    *key = g_strdup(name);
    return 1;
}

static int verb_list(int argc, char **argv, GError **error) {
    DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"owner", _("OWNER"), DIST_CELL_NUMBER},
        {"created", _("CREATED"), DIST_CELL_TIME},
        {NULL, NULL, DIST_CELL_TEXT},
    };
    const DistListing volumes = {DIST_VOLUMES, "List"};

    if (!dist_parse(NULL, _("List the volumes."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 0, 0, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&volumes, read_volume, table, error))
        return EXIT_FAILURE;
    dist_table_print(table);
    return EXIT_SUCCESS;
}

int dist_verb_volume(int argc, char **argv, GError **error) {
    static const DistVerb verbs[] = {
        {"list", "", N_("list the volumes"), verb_list},
        {"create", "NAME…", N_("make volumes"), verb_create},
        {"rm", "NAME…", N_("delete volumes"), verb_rm},
        {NULL, NULL, NULL, NULL},
    };

    return dist_run_group("volume", verbs, argc, argv, error);
}
