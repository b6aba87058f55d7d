/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --all and --latest of the verbs about containers, as in podman. Both look only at the caller's
 * own containers: root, too, names those of other users. The options are set while the command line
 * is parsed, and read once.
 */

#include "client/container-choice.h"

#include "client/bus.h"
#include "client/translate.h"

static struct { gboolean all, latest; } choice_given;

const DistOption dist_choice_latest_options[] = {
    {"latest", 'l', DIST_OPTION_FLAG, &choice_given.latest,
     N_("Use the caller's container that was created last, instead of ID"), NULL},
    DIST_OPTION_END,
};

const DistOption dist_choice_options[] = {
    {"all", 'a', DIST_OPTION_FLAG, &choice_given.all,
     N_("Act on all of the caller's containers, instead of ID"), NULL},
    DIST_OPTION_INCLUDE(dist_choice_latest_options),
    DIST_OPTION_END,
};

/* The caller as the service sees it: with -H, that is a user of the other machine. */
static bool choice_find_user(uint32_t *user, GError **error) {
    sd_bus *bus = dist_bus(error);
    const char *name = "";
    int r;

    if (!bus)
        return false;
    g_autoptr(sd_bus_message) reply = NULL;
    if ((r = sd_bus_get_unique_name(bus, &name)) < 0 ||
        (r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                "org.freedesktop.DBus", "GetConnectionUnixUser", NULL, &reply, "s",
                                name)) < 0 ||
        (r = sd_bus_message_read(reply, "u", user)) < 0)
        return dist_bad_reply(r, error);
    return true;
}

/* The caller's own, oldest first. NULL with error. */
static GPtrArray *choice_list_own(DistContainerFilter wanted, GError **error) {
    g_autoptr(GPtrArray) all = dist_containers_list(NULL, false, error);
    uint32_t user;

    if (!all || !choice_find_user(&user, error))
        return NULL;
    for (guint i = all->len; i > 0; i--) {
        const DistContainer *container = all->pdata[i - 1];
        if (container->owner != user || (wanted && !wanted(container)))
            g_ptr_array_remove_index(all, i - 1);
    }
    return g_steal_pointer(&all);
}

char *dist_choice_find_latest(GError **error) {
    g_autoptr(GPtrArray) own = choice_list_own(NULL, error);

    if (own && own->len > 0)
        return g_strdup(((const DistContainer *)own->pdata[own->len - 1])->id);
    if (own)
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "%s", _("--latest: you have no container"));
    return NULL;
}

static char **choice_list_all(DistContainerFilter wanted, GError **error) {
    g_autoptr(GPtrArray) own = choice_list_own(wanted, error);
    g_autoptr(GStrvBuilder) ids = g_strv_builder_new();

    for (guint i = 0; own && i < own->len; i++)
        g_strv_builder_add(ids, ((const DistContainer *)own->pdata[i])->id);
    return own ? g_strv_builder_end(ids) : NULL;
}

char **dist_choice_list(const char *verb, char *const *arguments, DistContainerFilter wanted,
                        GError **error) {
    int given = (arguments[0] != NULL) + choice_given.all + choice_given.latest;

    if (given > 1) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("ID, --all and --latest exclude each other"));
        return NULL;
    }
    if (given == 0) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("%s: an argument is missing: %s"),
                        verb, _("ID…"));
        return NULL;
    }
    if (choice_given.all)
        return choice_list_all(wanted, error);
    if (!choice_given.latest)
        return g_strdupv((char **)arguments);
    g_autofree char *latest = dist_choice_find_latest(error);
    return latest ? g_strdupv((char *[]){latest, NULL}) : NULL;
}
