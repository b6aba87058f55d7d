/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist system info: the properties of org.berth1.Manager. For programs they keep the service's
 * names; in a table they have titles in the user's language.
 */

#include "client/system-info.h"

#include "base/document.h"
#include "client/bus.h"
#include "client/dictionary.h"
#include "client/docker-info-view.h"
#include "client/format.h"
#include "client/service-errors.h"
#include "client/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For the list of features in a table of 80 columns, beside the titles. */
enum { FEATURES_COLUMNS = 48 };

typedef struct {
    DistTable *table;
    bool for_programs; /* or with --quiet: names are unchanged, and a list is one value */
} SystemInfo;

static const struct {
    const char *name, *title;
} titles[] = {
    {"Version", N_("Version")},
    {"StatePath", N_("State directory")},
    {"StorageSize", N_("Disk")},
    {"StorageUsed", N_("Disk, used")},
    {"StorageFree", N_("Disk, free")},
    {"Containers", N_("Containers")},
    {"RunningContainers", N_("Running containers")},
    {"Images", N_("Images")},
    {"Transfers", N_("Transfers")},
    {"Volumes", N_("Volumes")},
    {"Features", N_("Features")},
};

/* A property that this dist does not know is shown under its own name. */
static void info_add(const SystemInfo *info, const char *name, const char *value) {
    const char *title = name;

    for (size_t i = 0; !info->for_programs && i < G_N_ELEMENTS(titles); i++)
        if (g_str_equal(titles[i].name, name))
            title = _(titles[i].title);
    dist_table_add(info->table, title, value);
}

/* All counts of the service, including those that this dist has no title for. */
static int add_numbers(const SystemInfo *info, sd_bus_message *message) {
    const char *name;
    uint64_t value;
    int r = sd_bus_message_enter_container(message, 'a', "{st}");

    while (r >= 0 && (r = sd_bus_message_read(message, "{st}", &name, &value)) > 0) {
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
        info_add(info, name, text);
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

static sd_bus_message *get_property(const char *name, const char *type, GError **error) {
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    sd_bus *bus = dist_bus(error);
    int r = bus ? sd_bus_get_property(bus, DIST_DESTINATION, "/org/berth1", "org.berth1.Manager",
                                      name, &bus_error, &reply, type)
                : -1;

    if (bus && r < 0)
        dist_set_bus_error(error, &bus_error, -r);
    return reply;
}

static bool add_storage(const SystemInfo *info, GError **error) {
    g_autoptr(sd_bus_message) reply = get_property("Storage", "a{sv}", error);
    uint64_t size = 0, used = 0, available = 0;
    const char *path = "";
    const DistField fields[] = {{"Path", "s", &path},
                                {"Size", "t", &size},
                                {"Used", "t", &used},
                                {"Free", "t", &available},
                                {NULL, NULL, NULL}};
    int r = reply ? dist_dictionary_read(reply, fields) : 0;

    if (!reply || r < 0)
        return reply ? dist_bad_reply(r, error) : false;
    g_autofree char *total = dist_format_size(size), *taken = dist_format_size(used),
                    *rest = dist_format_size(available);
    info_add(info, "StatePath", path);
    info_add(info, "StorageSize", total);
    info_add(info, "StorageUsed", taken);
    info_add(info, "StorageFree", rest);
    return true;
}

char *dist_system_find_state_path(GError **error) {
    g_autoptr(sd_bus_message) reply = get_property("Storage", "a{sv}", error);
    const char *path = "";
    const DistField fields[] = {{"Path", "s", &path}, {NULL, NULL, NULL}};
    int r = reply ? dist_dictionary_read(reply, fields) : 0;

    if (!reply || r < 0)
        return reply ? (dist_bad_reply(r, error), NULL) : NULL;
    return g_strdup(path);
}

static bool add_counts(const SystemInfo *info, GError **error) {
    g_autoptr(sd_bus_message) reply = get_property("Counts", "a{st}", error);
    int r = reply ? add_numbers(info, reply) : 0;

    return reply && (r >= 0 || dist_bad_reply(r, error));
}

/* In a table the list is wrapped. */
static void add_words(const SystemInfo *info, char **words) {
    g_autoptr(GString) line = g_string_new(NULL);
    const char *name = "Features";

    for (; words && *words; words++) {
        if (!info->for_programs && line->len + strlen(*words) >= FEATURES_COLUMNS) {
            info_add(info, name, line->str);
            g_string_truncate(line, 0);
            name = "";
        }
        g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", *words);
    }
    info_add(info, name, line->str);
}

static bool add_features(const SystemInfo *info, GError **error) {
    g_autoptr(sd_bus_message) reply = get_property("Features", "as", error);
    g_auto(GStrv) names = NULL;
    int r = reply ? sd_bus_message_read_strv(reply, &names) : 0;

    if (!reply || r < 0)
        return reply ? dist_bad_reply(r, error) : false;
    add_words(info, names);
    return true;
}

static bool info_read_counts(DistServiceFacts *facts, GError **error) {
    g_autoptr(sd_bus_message) reply = get_property("Counts", "a{st}", error);
    const struct {
        const char *name;
        uint64_t *target;
    } counts[] = {
        {"Containers", &facts->containers},
        {"RunningContainers", &facts->running},
        {"Images", &facts->images},
    };
    const char *name;
    uint64_t value;
    int r = reply ? sd_bus_message_enter_container(reply, 'a', "{st}") : 0;

    while (reply && r >= 0 && (r = sd_bus_message_read(reply, "{st}", &name, &value)) > 0)
        for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
            if (g_str_equal(counts[i].name, name))
                *counts[i].target = value;
    return reply && (r >= 0 || dist_bad_reply(r, error));
}

/* The rows of the table have a name and a value. docker's Name, which is that of the machine, is
 * podman's Host.Hostname. */
static bool format_is_for_rows(void) {
    static const char *const words[] = {"table ", ".name",  ".Name", ".NAME",
                                        ".value", ".Value", ".VALUE"};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (dist_table_format_mentions(words[i]))
            return true;
    return false;
}

/* Any other template is filled once, with docker's and podman's names. */
static bool info_fill_format(const char *version, GError **error) {
    g_autoptr(sd_bus_message) reply = get_property("Storage", "a{sv}", error);
    g_autoptr(json_object) info = json_object_new_object();
    DistServiceFacts facts = {.version = version, .path = "", .is_here = dist_bus_is_here()};
    const DistField fields[] = {{"Path", "s", &facts.path},
                                {"Size", "t", &facts.size_bytes},
                                {"Used", "t", &facts.used_bytes},
                                {NULL, NULL, NULL}};
    int r = reply ? dist_dictionary_read(reply, fields) : 0;

    if (!reply || r < 0)
        return reply ? dist_bad_reply(r, error) : false;
    if (!info_read_counts(&facts, error))
        return false;
    dist_docker_info_view_add(info, &facts);
    return dist_table_fill_format(info, error);
}

int dist_system_info(char **argv, GError **error) {
    const DistColumn columns[] = {{"name", _("NAME"), DIST_CELL_TEXT},
                                  {"value", _("VALUE"), DIST_CELL_TEXT},
                                  {NULL, NULL, 0}};
    g_autoptr(DistTable) table = dist_table_new(columns);
    g_autoptr(sd_bus_message) reply = get_property("Version", "s", error);
    const SystemInfo info = {table, dist_settings.json != DIST_JSON_OFF || dist_settings.quiet ||
                                        dist_table_has_format()};
    const char *version = "";

    (void)argv;
    if (!reply || sd_bus_message_read(reply, "s", &version) < 0)
        return EXIT_FAILURE;
    if (dist_table_has_template() && !format_is_for_rows())
        return info_fill_format(version, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    info_add(&info, "Version", version);
    return add_storage(&info, error) && add_counts(&info, error) && add_features(&info, error) &&
                   dist_table_print(table, error)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
