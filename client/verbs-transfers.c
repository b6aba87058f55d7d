/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist transfers and dist cancel: what the service pulls, pushes, unpacks and so on. No state is
 * kept: a transfer belongs to the service, and continues when dist exits.
 */

#include "client/verbs-transfers.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/list-filter.h"
#include "client/listing.h"
#include "client/table.h"

#include <stdlib.h>

static int read_transfer(sd_bus_message *reply, char **key, void *userdata) {
    const char *number, *kind = "", *reference = "", *state = "";
    uint64_t done = 0, total = 0;
    uint32_t owner = 0;
    const DistField fields[] = {
        {"Kind", "s", &kind},   {"Reference", "s", &reference}, {"Owner", "u", &owner},
        {"State", "s", &state}, {"Done", "t", &done},           {"Total", "t", &total},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &number, fields);

    if (r <= 0)
        return r;
    dist_table_add(userdata, number, kind, reference, (int64_t)owner, state, (int64_t)done,
                   (int64_t)total);
    *key = g_strdup(number);
    return 1;
}

static const DistFilterName transfer_filters[] = {
    {"kind", "Kind", DIST_FILTER_TEXT},
    {"reference", "Reference", DIST_FILTER_PART},
    {"status", "State", DIST_FILTER_TEXT},
    {NULL},
};

const DistOption dist_transfers_options[] = {
    DIST_OPTION_INCLUDE(dist_filter_options),
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

static int append_transfer_filter(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return dist_filter_append(call, transfer_filters, NULL);
}

int dist_verb_transfers(char **argv, GError **error) {
    const DistColumn columns[] = {
        {"transfer", _("TRANSFER"), DIST_CELL_TEXT},   {"kind", _("KIND"), DIST_CELL_TEXT},
        {"reference", _("REFERENCE"), DIST_CELL_TEXT}, {"owner", _("OWNER"), DIST_CELL_NUMBER},
        {"state", _("STATE"), DIST_CELL_TEXT},         {"done", _("DONE"), DIST_CELL_SIZE},
        {"total", _("TOTAL"), DIST_CELL_SIZE},         {NULL, NULL, 0},
    };
    const DistListing transfers = {DIST_TRANSFERS, "List", .filter = append_transfer_filter};

    (void)argv;
    if (!dist_filter_check(transfer_filters, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&transfers, read_transfer, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int dist_verb_cancel(char **argv, GError **error) {
    g_autofree char *path = g_strconcat("/org/berth1/transfers/", argv[1], NULL);
    /* The argument becomes part of an object path, which not every text can be. */
    if (!sd_bus_object_path_is_valid(path)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("there is no transfer \"%s\""),
                        argv[1]);
        return EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply =
        dist_call(error, path, "org.berth1.Transfer", "Cancel", "a{sv}", 0);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}
