/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist ps and info: containers as a table, and one as a page. The service filters, except for
 * before and since, which are applied to the containers that it returns. Nothing is cached: a
 * container may have changed by the time its row is read.
 */

#include "client/verbs-ps.h"

#include "base/document-members.h"
#include "base/document.h"
#include "client/bus.h"
#include "client/container-sizes.h"
#include "client/container-status.h"
#include "client/containers.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/listing.h"
#include "client/run-values.h"
#include "client/system-info.h"
#include "client/table.h"

#include <stdlib.h>
#include <string.h>

static struct {
    gboolean all, latest, size;
    gint64 last;
} ps_given = {.last = -1};

/* podman's names of states. */
static const char *const state_names[] = {"exited", "stopped", "configured", "created", NULL};

static const DistFilterName ps_filters[] = {
    {"id", "Id", DIST_FILTER_PREFIX},
    {"name", "Id", DIST_FILTER_PART},
    {"label", "Labels", DIST_FILTER_LABEL},
    {"status", "State", DIST_FILTER_TEXT, state_names},
    {"ancestor", "Image", DIST_FILTER_IMAGE},
    {"exited", "ExitStatus", DIST_FILTER_STATUS},
    {"health", "Health", DIST_FILTER_TEXT},
    {"network", "Networks", DIST_FILTER_MEMBER},
    {"volume", "Volumes", DIST_FILTER_MEMBER},
    {"before", NULL, DIST_FILTER_REPEATED},
    {"since", NULL, DIST_FILTER_REPEATED},
    {"pod", "Pod", DIST_FILTER_TEXT},
    {"until", NULL, DIST_FILTER_ADDITION},
    {"publish", NULL, DIST_FILTER_REPEATED},
    {"expose", NULL, DIST_FILTER_REPEATED},
    {"label!", NULL, DIST_FILTER_REPEATED},
    {NULL},
};

const DistOption dist_ps_options[] = {
    {"all", 'a', DIST_OPTION_FLAG, &ps_given.all, N_("Show also containers that are not running"),
     NULL},
    {"latest", 'l', DIST_OPTION_FLAG, &ps_given.latest,
     N_("Show only the container that was created last, running or not"), NULL},
    {"last", 'n', DIST_OPTION_NUMBER, &ps_given.last,
     N_("Show only the N containers that were created last, running or not"), N_("N")},
    {"size", 's', DIST_OPTION_FLAG, &ps_given.size,
     N_("Measure and show what each container has written"), NULL},
    DIST_OPTION_INCLUDE(dist_filter_options),
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

/* "up 2 hours, healthy"; "exited (0) 5 minutes ago". */
static char *format_status(const DistContainer *container) {
    uint64_t now = (uint64_t)g_get_real_time();
    g_autofree char *lasts = dist_format_duration(now - MIN(container->started, now));
    g_autofree char *ended = dist_format_ago(container->exited);

    switch (container->state) {
    case DIST_CONTAINER_CREATED:
        return g_strdup(_("created"));
    case DIST_CONTAINER_RUNNING:
        if (container->health[0])
            return g_strdup_printf(_("up %s, %s"), lasts, _(container->health));
        return g_strdup_printf(_("up %s"), lasts);
    case DIST_CONTAINER_PAUSED:
        return g_strdup_printf(_("paused, started %s ago"), lasts);
    case DIST_CONTAINER_STOPPED:
        if (container->status < 0)
            return g_strdup_printf(_("exited %s, status unknown"), ended);
        return g_strdup_printf(_("exited (%d) %s"), container->status, ended);
    case DIST_CONTAINER_UNKNOWN:
        break;
    }
    return g_strdup(container->state_name);
}

/* As a JSON object; the caller frees the text. */
static char *format_labels(const DistContainer *container) {
    g_autoptr(json_object) labels = json_object_new_object();
    GHashTableIter iterator;
    gpointer key, value;

    g_hash_table_iter_init(&iterator, container->labels);
    while (g_hash_table_iter_next(&iterator, &key, &value))
        berth_document_add_string(labels, key, value);
    return dist_format_value(labels, false);
}

/* In the order of the columns in new_process_table(); several of them appear only in JSON and with
 * --format. sizes: NULL if there is no such column. */
static void add_row(DistTable *table, const DistContainer *container, GHashTable *sizes) {
    g_autofree char *exit_status = container->state != DIST_CONTAINER_STOPPED ? g_strdup("-")
                                   : container->status < 0
                                       ? g_strdup(_("unknown"))
                                       : g_strdup_printf("%d", container->status);
    g_autofree char *status = format_status(container);
    g_autofree char *command = container->command ? g_strjoinv(" ", container->command) : NULL;
    g_autofree char *ports = container->ports ? g_strjoinv(" ", container->ports) : NULL;
    g_autofree char *networks = container->networks ? g_strjoinv(" ", container->networks) : NULL;
    g_autofree char *volumes = container->volumes ? g_strjoinv(" ", container->volumes) : NULL;
    g_autofree char *labels = format_labels(container);
    /* A container that was created after the measurement has no size. */
    const int64_t *size = sizes ? g_hash_table_lookup(sizes, container->id) : NULL;

    dist_table_add(table, container->id, container->image, command ? command : "", status,
                   dist_container_get_color(container), ports ? ports : "", container->state_name,
                   exit_status, container->health, (int64_t)container->pid,
                   (int64_t)container->owner, (int64_t)container->created,
                   (int64_t)container->started, (int64_t)container->exited, container->pod,
                   networks ? networks : "", volumes ? volumes : "", labels,
                   (int64_t)container->restarts, size ? *size : DIST_CELL_UNKNOWN);
}

static DistTable *new_process_table(bool with_size) {
    static DistColumn columns[] = {
        {"id", NULL, DIST_CELL_TEXT},         {"image", NULL, DIST_CELL_TEXT},
        {"command", NULL, DIST_CELL_TEXT},    {"status", NULL, DIST_CELL_STATE},
        {"ports", NULL, DIST_CELL_LIST},      {"state", NULL, DIST_CELL_TEXT},
        {"exitStatus", NULL, DIST_CELL_TEXT}, {"health", NULL, DIST_CELL_TEXT},
        {"pid", NULL, DIST_CELL_NUMBER},      {"owner", NULL, DIST_CELL_NUMBER},
        {"created", NULL, DIST_CELL_TIME},    {"started", NULL, DIST_CELL_TIME},
        {"exited", NULL, DIST_CELL_TIME},     {"pod", NULL, DIST_CELL_TEXT},
        {"networks", NULL, DIST_CELL_LIST},   {"volumes", NULL, DIST_CELL_LIST},
        {"labels", NULL, DIST_CELL_JSON},     {"restarts", NULL, DIST_CELL_NUMBER},
        {NULL, NULL, DIST_CELL_SIZE},         {NULL, NULL, 0},
    };
    DistColumn *last = &columns[G_N_ELEMENTS(columns) - 2];

    /* Translated at run time: an initializer has to be constant. */
    columns[0].header = _("ID");
    columns[1].header = _("IMAGE");
    columns[2].header = _("COMMAND");
    columns[3].header = _("STATUS");
    columns[4].header = _("PORTS");
    /* A column without a key ends the table. */
    last->key = with_size ? "size" : NULL;
    last->header = _("SIZE");
    return dist_table_new(columns);
}

/* The creation time of the container that a filter names; limit if there is no such filter. As in
 * podman, the oldest counts if several are named. */
static bool ps_read_moment(const char *filter, uint64_t limit, uint64_t *moment, GError **error) {
    g_autoptr(GPtrArray) ids = dist_filter_find_all(filter);
    uint64_t oldest = UINT64_MAX;

    for (guint i = 0; i < ids->len; i++) {
        g_autoptr(DistContainer) container = dist_container_get(ids->pdata[i], error);
        if (!container)
            return false;
        oldest = MIN(oldest, container->created);
    }
    *moment = ids->len > 0 ? oldest : limit;
    return true;
}

static int ps_read_id(sd_bus_message *reply, char **key, void *userdata) {
    const DistField fields[] = {{NULL, NULL, NULL}};
    const char *id;
    int r = dist_dictionary_read_item(reply, &id, fields);

    if (r <= 0)
        return r;
    g_hash_table_add(userdata, g_strdup(id));
    *key = g_strdup(id);
    return 1;
}

static int ps_append_label(sd_bus_message *call, const void *userdata) {
    g_auto(GStrv) parts = g_strsplit(userdata, "=", 2);

    return sd_bus_message_append(call, "{sv}{sv}", "Filter", "a{sv}", 1, "Labels", "a{ss}", 1,
                                 parts[0], parts[1] ? parts[1] : "", "Properties", "as", 1, "Id");
}

/* The ids of the containers that have one of the labels of label!=. The service's filter knows no
 * "not", so those that are not wanted are asked for. */
static GHashTable *ps_find_labelled(GError **error) {
    g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) labels = dist_filter_find_all("label!");

    for (guint i = 0; i < labels->len; i++) {
        const DistListing listing = {DIST_CONTAINERS, "List", .filter = ps_append_label,
                                     .filter_data = labels->pdata[i]};
        if (!dist_list(&listing, ps_read_id, ids, error))
            return NULL;
    }
    return g_steal_pointer(&ids);
}

/* Whether a port is "FIRST[-LAST][/PROTOCOL]". */
static bool ps_port_matches(const char *wanted, guint64 number, const char *protocol) {
    g_auto(GStrv) halves = g_strsplit(wanted, "/", 2);
    g_auto(GStrv) ends = g_strsplit(halves[0], "-", 2);
    guint64 first, last;

    return g_str_equal(halves[1] ? halves[1] : "tcp", protocol) && ends[0] &&
           g_ascii_string_to_unsigned(ends[0], 10, 1, 65535, &first, NULL) &&
           g_ascii_string_to_unsigned(ends[1] ? ends[1] : ends[0], 10, first, 65535, &last, NULL) &&
           number >= first && number <= last;
}

/* As in docker, publish= is about the port of the host, and expose= about that of the container;
 * several values are alternatives. */
static bool ps_has_port(const DistContainer *container, const GPtrArray *wanted, bool of_host) {
    for (char **port = container->ports; port && *port; port++) {
        g_autofree char *inner = NULL, *outer = NULL;
        dist_container_split_port(*port, &inner, &outer);
        const char *protocol = strchr(inner, '/') + 1;
        const char *number = of_host ? strrchr(outer, ':') + 1 : inner;
        for (guint i = 0; i < wanted->len; i++)
            if (ps_port_matches(wanted->pdata[i], g_ascii_strtoull(number, NULL, 10), protocol))
                return true;
    }
    return wanted->len == 0;
}

/* The service leaves out the others, of which there may be thousands. */
static void ps_want_running(void) {
    dist_option_add_to_list(&dist_filters_given, (char *)"status=running");
    dist_option_add_to_list(&dist_filters_given, (char *)"status=paused");
}

int dist_verb_ps(char **argv, GError **error) {
    uint64_t before, since, until = UINT64_MAX;

    (void)argv;
    if (!dist_filter_check(ps_filters, error) ||
        !ps_read_moment("before", UINT64_MAX, &before, error) ||
        !ps_read_moment("since", 0, &since, error) ||
        (dist_filter_find("until") && !dist_parse_time(dist_filter_find("until"), &until, error)))
        return EXIT_FAILURE;
    g_autoptr(GPtrArray) published = dist_filter_find_all("publish");
    g_autoptr(GPtrArray) exposed = dist_filter_find_all("expose");
    g_autoptr(GHashTable) unwanted = ps_find_labelled(error);
    if (!unwanted)
        return EXIT_FAILURE;
    gint64 last = ps_given.latest ? 1 : ps_given.last;
    /* A filter by state looks at all containers, running or not. */
    bool any_state =
        ps_given.all || last >= 0 || dist_filter_find("status") || dist_filter_find("exited");
    if (!any_state)
        ps_want_running();
    /* "abel": labels, Labels and .Label KEY. */
    g_autoptr(GPtrArray) all = dist_containers_list(ps_filters, dist_table_may_use("abel"), error);
    /* As in docker, a format that shows the size is enough. */
    bool with_size =
        ps_given.size || dist_table_format_mentions("Size") || dist_table_format_mentions("size");
    g_autoptr(GHashTable) sizes = all && with_size ? dist_container_sizes_read(error) : NULL;
    if (!all || (with_size && !sizes))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = new_process_table(with_size);
    uint64_t first = dist_filter_find("since") ? since + 1 : 0;
    g_autoptr(GPtrArray) shown = g_ptr_array_new();
    for (guint i = 0; i < all->len; i++) {
        const DistContainer *container = all->pdata[i];
        if ((any_state || dist_container_is_running(container)) && container->created < before &&
            container->created >= first && container->created <= until &&
            !g_hash_table_contains(unwanted, container->id) &&
            ps_has_port(container, published, true) && ps_has_port(container, exposed, false))
            g_ptr_array_add(shown, all->pdata[i]);
    }
    for (guint i = last >= 0 && last < shown->len ? shown->len - (guint)last : 0; i < shown->len;
         i++)
        add_row(table, shown->pdata[i], sizes);
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* For scripts the output is a table with one row, as in ps; for people it is a page. Without an id
 * this is docker's info, about the service. */
int dist_verb_info(char **argv, GError **error) {
    if (!argv[1])
        return dist_system_info(argv, error);
    g_autoptr(DistContainer) container = dist_container_get(argv[1], error);
    g_autoptr(DistTable) table = new_process_table(false);

    if (!container)
        return EXIT_FAILURE;
    if (dist_settings.json == DIST_JSON_OFF && !dist_settings.quiet && !dist_table_has_format()) {
        g_autofree char *status = format_status(container);
        dist_container_status_print(container, status);
        return EXIT_SUCCESS;
    }
    add_row(table, container, NULL);
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
