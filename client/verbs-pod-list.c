/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist pod list and inspect. Nothing is kept between calls. */

#include "client/verbs-pod-list.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/list-filter.h"
#include "client/listing.h"
#include "client/pods.h"
#include "client/table.h"

#include <stdlib.h>
#include <string.h>

/* For the eyes alone: scripts go by the service's words. */
static const char *show_pod_state(const char *state) {
    static const char *const states[] = {N_("created"), N_("running"), N_("stopped"), NULL};

    return dist_settings.json == DIST_JSON_OFF && !dist_table_has_format() &&
                   g_strv_contains(states, state)
               ? _(state)
               : state;
}

static int read_pod(sd_bus_message *reply, char **key, void *userdata) {
    g_auto(GStrv) containers = NULL, ports = NULL, addresses = NULL;
    const char *name, *state = "", *network = "", *hostname = "", *policy = "", *unit = "";
    uint64_t created = 0;
    uint32_t owner = 0;
    const DistField fields[] = {
        {"State", "s", &state},       {"Containers", "as", &containers},
        {"Ports", "as", &ports},      {"Addresses", "as", &addresses},
        {"Network", "s", &network},   {"Hostname", "s", &hostname},
        {"ExitPolicy", "s", &policy}, {"Unit", "s", &unit},
        {"Created", "t", &created},   {"Owner", "u", &owner},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    g_autofree char *ids = containers ? g_strjoinv(" ", containers) : g_strdup("");
    g_autofree char *port_list = ports ? g_strjoinv(" ", ports) : g_strdup("");
    g_autofree char *address_list = addresses ? g_strjoinv(" ", addresses) : g_strdup("");
    dist_table_add(userdata, name, show_pod_state(state), ids, port_list, network, address_list,
                   hostname, policy, unit, (int64_t)owner, (int64_t)created);
    *key = g_strdup(name);
    return 1;
}

static const DistFilterName pod_filters[] = {
    {"name", "Name", DIST_FILTER_PART},
    {NULL},
};

const DistOption dist_pod_list_options[] = {
    DIST_OPTION_INCLUDE(dist_filter_options),
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

static int append_pod_filter(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return dist_filter_append(call, pod_filters, NULL);
}

/* A table keeps a pointer to its columns. */
static DistTable *new_pod_table(void) {
    static DistColumn columns[12];
    const DistColumn translated[G_N_ELEMENTS(columns)] = {
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"state", _("STATE"), DIST_CELL_TEXT},
        {"containers", _("CONTAINERS"), DIST_CELL_LIST},
        {"ports", _("PORTS"), DIST_CELL_LIST},
        {"network", NULL, DIST_CELL_TEXT},
        {"addresses", NULL, DIST_CELL_LIST},
        {"hostname", NULL, DIST_CELL_TEXT},
        {"exitPolicy", NULL, DIST_CELL_TEXT},
        {"unit", NULL, DIST_CELL_TEXT},
        {"owner", NULL, DIST_CELL_NUMBER},
        {"created", _("CREATED"), DIST_CELL_TIME},
        {NULL, NULL, DIST_CELL_TEXT},
    };

    memcpy(columns, translated, sizeof columns);
    return dist_table_new(columns);
}

int dist_pod_list(char **argv, GError **error) {
    const DistListing pods = {DIST_PODS, "List", .filter = append_pod_filter};

    (void)argv;
    if (!dist_filter_check(pod_filters, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = new_pod_table();
    if (!dist_list(&pods, read_pod, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Filters for one of the pods that were asked for. */
static int append_pod_name(sd_bus_message *call, const void *userdata) {
    return sd_bus_message_append(call, "{sv}", "Filter", "a{sv}", 1, "Name", "s",
                                 (const char *)userdata);
}

int dist_pod_inspect(char **argv, GError **error) {
    g_autoptr(DistTable) table = new_pod_table();

    /* Before the pods are read: only a table has translated states. */
    dist_table_prefer_json();
    for (char **name = argv + 1; *name; name++) {
        const DistListing listing = {DIST_PODS, "List", .filter = append_pod_name,
                                     .filter_data = *name};
        /* The error says that the pod does not exist or is hidden from the caller. */
        g_auto(GStrv) ids = dist_pod_list_containers(*name, error);
        if (!ids || !dist_list(&listing, read_pod, table, error))
            return EXIT_FAILURE;
    }
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
