/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist content list and active: contents and ingests as tables. The service filters; a listing
 * comes in pages, which listing.c requests one after another. Rows are kept only until the table is
 * printed.
 */

#include "client/verbs-content-list.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/listing.h"
#include "client/table.h"

#include <stdlib.h>

typedef struct {
    const char *media_type;
    uint64_t min_size, max_size; /* 0: any */
    char *const *labels;
} ContentFilter;

/* The option Filter is a dictionary inside the options; sizes are separate options. */
static int append_property_filter(sd_bus_message *call, const ContentFilter *filter) {
    int r;

    if (!filter->media_type && !(filter->labels && filter->labels[0]))
        return 0;
    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", "Filter")) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', "a{sv}")) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (filter->media_type &&
         (r = sd_bus_message_append(call, "{sv}", "MediaType", "s", filter->media_type)) < 0) ||
        (r = dist_append_labels(call, "Labels", filter->labels)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int append_filter(sd_bus_message *call, const void *userdata) {
    const ContentFilter *filter = userdata;
    int r = append_property_filter(call, filter);

    if (r >= 0 && filter->min_size > 0)
        r = sd_bus_message_append(call, "{sv}", "MinSize", "t", filter->min_size);
    if (r >= 0 && filter->max_size > 0)
        r = sd_bus_message_append(call, "{sv}", "MaxSize", "t", filter->max_size);
    return r;
}

/* key is set to where the next page begins (listing.c). */
static int read_content(sd_bus_message *reply, char **key, void *userdata) {
    const char *digest;
    uint64_t size = 0, committed = 0;
    const DistField fields[] = {
        {"Size", "t", &size}, {"Committed", "t", &committed}, {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &digest, fields);

    if (r <= 0)
        return r;
    dist_table_add(userdata, digest, (int64_t)size, (int64_t)committed);
    *key = g_strdup(digest);
    return 1;
}

static struct {
    char **labels;
    char *media_type;
    gint64 min_size;
    gint64 max_size;
} content_list_given;

const DistOption dist_content_list_options[] = {
    {"label", 0, DIST_OPTION_LIST, &content_list_given.labels,
     N_("List only those with this label"), N_("KEY[=VALUE]")},
    {"media-type", 0, DIST_OPTION_TEXT, &content_list_given.media_type,
     N_("List only contents of this media type"), N_("TYPE")},
    {"min-size", 0, DIST_OPTION_NUMBER, &content_list_given.min_size,
     N_("List only contents of at least this size"), N_("BYTES")},
    {"max-size", 0, DIST_OPTION_NUMBER, &content_list_given.max_size,
     N_("List only contents of at most this size"), N_("BYTES")},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

int dist_content_list(char **argv, GError **error) {
    const DistColumn columns[] = {
        {"digest", _("DIGEST"), DIST_CELL_TEXT},
        {"size", _("SIZE"), DIST_CELL_SIZE},
        {"committed", _("COMMITTED"), DIST_CELL_TIME},
        {NULL, NULL, 0},
    };

    (void)argv;
    const ContentFilter filter = {
        content_list_given.media_type, (uint64_t)MAX(content_list_given.min_size, 0),
        (uint64_t)MAX(content_list_given.max_size, 0), content_list_given.labels};
    const DistListing contents = {DIST_CONTENTS, "List", .filter = append_filter,
                                  .filter_data = &filter};
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&contents, read_content, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int read_ingest(sd_bus_message *reply, char **key, void *userdata) {
    uint64_t offset = 0, total = 0, started = 0, updated = 0;
    const char *ref;
    const DistField fields[] = {
        {"Offset", "t", &offset},   {"Total", "t", &total}, {"Started", "t", &started},
        {"Updated", "t", &updated}, {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &ref, fields);

    if (r <= 0)
        return r;
    dist_table_add(userdata, ref, (int64_t)offset, (int64_t)total, (int64_t)started,
                   (int64_t)updated);
    *key = g_strdup(ref);
    return 1;
}

int dist_content_active(char **argv, GError **error) {
    const DistColumn columns[] = {
        {"ref", _("REF"), DIST_CELL_TEXT},         {"offset", _("OFFSET"), DIST_CELL_SIZE},
        {"total", _("TOTAL"), DIST_CELL_SIZE},     {"started", _("STARTED"), DIST_CELL_TIME},
        {"updated", _("UPDATED"), DIST_CELL_TIME}, {NULL, NULL, 0},
    };
    const DistListing ingests = {DIST_CONTENTS, "ListIngests"};

    (void)argv;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&ingests, read_ingest, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
