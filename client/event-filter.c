/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --filter of dist events. As in podman, values of the same name are alternatives, and all names
 * must match. Events have only the id of their container, so its image, labels, volumes and pod are
 * asked for, once for each container, and are remembered until another one is created with its id:
 * past events of a container that does not exist any more match none of them.
 */

#include "client/event-filter.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/translate.h"

#include <string.h>

typedef struct {
    char *image, *pod;
    char **volumes;
    GHashTable *labels;
} EventContainer;

static char **given;

const DistOption dist_event_filter_options[] = {
    {"filter", 'f', DIST_OPTION_LIST, &given, N_("List only matching entries"), N_("NAME=VALUE")},
    DIST_OPTION_END,
};

/* podman's and docker's names of events; a healthy or unhealthy container is a health_status. */
static const struct {
    const char *name, *kind;
} aliases[] = {
    {"died", "exit"},
    {"die", "exit"},
    {"stop", "exit"},
    {"unpause", "resume"},
    {"remove", "delete"},
    {"destroy", "delete"},
    {"exec", "exec-started"},
    {"exec_create", "exec-added"},
    {"exec_start", "exec-started"},
    {"restore", "start"},
    {"health_status", "healthy"},
    {"health_status", "unhealthy"},
};

static const char *const kinds[] = {"create",       "start",  "exit",   "oom",        "exec-added",
                                    "exec-started", "pause",  "resume", "checkpoint", "healthy",
                                    "unhealthy",    "delete", NULL};

static void event_container_free(gpointer data) {
    EventContainer *container = data;

    g_free(container->image);
    g_free(container->pod);
    g_strfreev(container->volumes);
    g_hash_table_unref(container->labels);
    g_free(container);
}

/* If the container does not exist or cannot be read, all its properties are empty. */
static EventContainer *event_container_read(const char *id) {
    EventContainer *container = g_new0(EventContainer, 1);
    const char *image = "", *pod = "";
    g_autoptr(sd_bus_message) reply = dist_call(NULL, DIST_CONTAINERS, "Get", "sa{sv}", id, 0);

    container->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const DistField fields[] = {
        {"Image", "s", &image},
        {"Pod", "s", &pod},
        {"Volumes", "as", &container->volumes},
        {"Labels", "a{ss}", container->labels},
        {NULL, NULL, NULL},
    };
    if (reply)
        dist_dictionary_read(reply, fields);
    container->image = g_strdup(image);
    container->pod = g_strdup(pod);
    return container;
}

/* Another container may be created with the id of one that was deleted. */
static const EventContainer *event_container_find(const char *kind, const char *id) {
    static GHashTable *known;
    EventContainer *container;

    if (!known)
        known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, event_container_free);
    if (g_str_equal(kind, "create"))
        g_hash_table_remove(known, id);
    if (!(container = g_hash_table_lookup(known, id))) {
        container = event_container_read(id);
        g_hash_table_insert(known, g_strdup(id), container);
    }
    return container;
}

static bool filter_match_container(const char *value, const char *kind, const char *id) {
    (void)kind;
    return g_str_equal(value, id);
}

static bool filter_match_kind(const char *value, const char *kind, const char *id) {
    (void)id;
    for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++)
        if (g_str_equal(aliases[i].name, value) && g_str_equal(aliases[i].kind, kind))
            return true;
    return g_str_equal(value, kind);
}

/* There are no events of other things. */
static bool filter_match_type(const char *value, const char *kind, const char *id) {
    (void)kind;
    (void)id;
    return g_str_equal(value, "container");
}

static bool filter_match_image(const char *value, const char *kind, const char *id) {
    g_autofree char *name = dist_complete_reference(value);

    return g_str_equal(name, event_container_find(kind, id)->image);
}

static bool filter_match_label(const char *value, const char *kind, const char *id) {
    g_auto(GStrv) parts = g_strsplit(value, "=", 2);
    const char *found =
        g_hash_table_lookup(event_container_find(kind, id)->labels, parts[0] ? parts[0] : "");

    return found && (!parts[1] || g_str_equal(parts[1], found));
}

static bool filter_match_volume(const char *value, const char *kind, const char *id) {
    char *const *volumes = event_container_find(kind, id)->volumes;

    return volumes && g_strv_contains((const char *const *)volumes, value);
}

static bool filter_match_pod(const char *value, const char *kind, const char *id) {
    return g_str_equal(value, event_container_find(kind, id)->pod);
}

static const struct {
    const char *name;
    bool (*matches)(const char *value, const char *kind, const char *id);
} names[] = {
    {"container", filter_match_container},
    {"event", filter_match_kind},
    {"type", filter_match_type},
    {"image", filter_match_image},
    {"label", filter_match_label},
    {"volume", filter_match_volume},
    {"pod", filter_match_pod},
};

/* The value of a filter if it has this name; NULL otherwise. */
static const char *filter_get(const char *text, const char *name) {
    size_t length = strlen(name);

    return strncmp(text, name, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

static bool filter_is_kind(const char *value) {
    for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++)
        if (g_str_equal(aliases[i].name, value))
            return true;
    return g_strv_contains(kinds, value);
}

static bool filter_check_one(const char *text, GError **error) {
    g_autofree char *name = g_strndup(text, strcspn(text, "="));
    const char *value = filter_get(text, name);
    bool is_known = false;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        is_known |= g_str_equal(names[i].name, name);
    if (!is_known)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("there is no filter \"%s\"; see --help"), name);
    if (!value || !value[0] || (g_str_equal(name, "event") && !filter_is_kind(value)))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("invalid value \"%s\" of %s"),
                               text, "--filter");
    if (g_str_equal(name, "type") && !g_str_equal(value, "container"))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               _("--filter %s is not supported: events are those of containers"),
                               text);
    return true;
}

bool dist_event_filter_check(GError **error) {
    for (char **text = given; text && *text; text++)
        if (!filter_check_one(*text, error))
            return false;
    return true;
}

bool dist_event_filter_matches(const char *kind, const char *id) {
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        bool is_given = false, found = false;
        for (char **text = given; text && *text && !found; text++) {
            const char *value = filter_get(*text, names[i].name);
            is_given |= value != NULL;
            found = value && names[i].matches(value, kind, id);
        }
        if (is_given && !found)
            return false;
    }
    return true;
}

const char *dist_event_filter_get_image(const char *kind, const char *id) {
    return event_container_find(kind, id)->image;
}
