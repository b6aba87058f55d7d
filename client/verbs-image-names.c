/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist tag, rmi and untag: the names of images. Contents stay until "dist prune" deletes those that
 * no name leads to.
 */

#include "client/verbs-image-names.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/format.h"
#include "client/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct { gboolean move; } tag_given;

const DistOption dist_tag_options[] = {
    {"move", 0, DIST_OPTION_FLAG, &tag_given.move, N_("Rename it: remove the old name"), NULL},
    DIST_OPTION_END,
};

static bool tag_put(const char *word, const void *userdata, GError **error) {
    const DistTarget *target = userdata;
    g_autofree char *name = dist_complete_new_name(word, error);
    g_autoptr(sd_bus_message) reply =
        !name ? NULL
              : dist_call(error, DIST_IMAGES, "Put", "s(sst)a{ss}a{sv}", name, target->media_type,
                          target->digest, target->size, 0, 0);

    return reply != NULL;
}

static bool tag_move(const char *name, char *const *words, GError **error) {
    g_autofree char *new = dist_complete_new_name(words[0], error);

    if (!new)
        return false;
    if (words[1])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("%s: too many arguments"),
                               "tag --move");
    g_autoptr(sd_bus_message) renamed =
        dist_call(error, DIST_IMAGES, "Rename", "ssa{sv}", name, new, 0);
    return renamed != NULL;
}

int dist_verb_tag(char **argv, GError **error) {
    DistTarget target = {"", "", 0};
    const DistField fields[] = {{"Target", "(sst)", &target}, {NULL, NULL, NULL}};

    g_autofree char *name = dist_complete_reference(argv[1]);
    /* All of them, before any is set. */
    for (char **word = argv + 2; *word; word++) {
        g_autofree char *new = dist_complete_new_name(*word, error);
        if (!new)
            return EXIT_FAILURE;
    }
    if (tag_given.move)
        return tag_move(name, argv + 2, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    /* If the first name changes between the calls, the new ones have the earlier target. */
    g_autoptr(sd_bus_message) image = dist_call(error, DIST_IMAGES, "Get", "sa{sv}", name, 0);
    if (!image)
        return EXIT_FAILURE;
    int r = dist_dictionary_read(image, fields);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    return dist_for_each(argv + 2, tag_put, &target);
}

static struct { gboolean all, ignore; } rmi_given;

static bool delete_image_name(const char *name, const void *userdata, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "Delete", "sa{sv}", name, 0);

    (void)userdata;
    if (reply)
        puts(name);
    return dist_reply_or_ignored(reply, rmi_given.ignore, BERTH_ERROR_NOT_FOUND, error);
}

const DistOption dist_rmi_options[] = {
    {"all", 'a', DIST_OPTION_FLAG, &rmi_given.all, N_("Remove all names, instead of NAME"), NULL},
    {"force", 'f', DIST_OPTION_FLAG, &rmi_given.ignore,
     N_("The same as --ignore: containers do not keep a name from being removed"), NULL},
    {"ignore", 'i', DIST_OPTION_FLAG, &rmi_given.ignore, N_("Do not fail if there is no such name"),
     NULL},
    DIST_OPTION_END,
};

/* In one call, so that the user is asked for a password once. */
static sd_bus_message *delete_image_names(char **names, GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_IMAGES, "DeleteMany");
    int r;

    if (!call)
        return NULL;
    if ((r = sd_bus_message_append_strv(call, names)) < 0 ||
        (r = sd_bus_message_append(call, "a{sv}", 0)) < 0) {
        sd_bus_message_unref(call);
        dist_bad_reply(r, error);
        return NULL;
    }
    return dist_send(call, error);
}

/* Freed with g_strfreev(); NULL with error. */
static char **rmi_list_names(char *const *arguments, GError **error) {
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    if (rmi_given.all == (arguments[0] != NULL)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s", _("rmi takes NAME… or --all"));
        return NULL;
    }
    if (rmi_given.all && !(all = dist_list_names(DIST_IMAGES, error)))
        return NULL;
    for (guint i = 0; all && i < all->len; i++)
        g_strv_builder_add(names, all->pdata[i]);
    for (; *arguments; arguments++) {
        g_autofree char *name = dist_complete_reference(*arguments);
        g_strv_builder_add(names, name);
    }
    return g_strv_builder_end(names);
}

int dist_verb_rmi(char **argv, GError **error) {
    g_auto(GStrv) deleted = NULL;
    int status = EXIT_SUCCESS, r;

    g_auto(GStrv) list = rmi_list_names(argv + 1, error);
    if (!list)
        return EXIT_FAILURE;
    if (!list[0] || !list[1])
        return dist_for_each(list, delete_image_name, NULL);
    g_autoptr(sd_bus_message) reply = delete_image_names(list, error);
    if (!reply)
        return EXIT_FAILURE;
    if ((r = sd_bus_message_read_strv(reply, &deleted)) < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    for (char **name = list; *name; name++)
        if (deleted && g_strv_contains((const char *const *)deleted, *name)) {
            puts(*name);
        } else if (!rmi_given.ignore) {
            g_autoptr(GError) missing = NULL;
            berth_error_set(&missing, BERTH_ERROR_NOT_FOUND, _("there is no image \"%s\" here"),
                            *name);
            dist_print_error(missing);
            status = EXIT_FAILURE;
        }
    return status;
}
