/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist prune deletes what is no longer in use: containers that do not run, volumes that no
 * container mounts, networks without containers, and contents that nothing needs; contents by
 * default, since they can be fetched again. dist system has the verbs about the whole store.
 */

#include "client/verbs-prune.h"

#include "client/bus.h"
#include "client/confirm.h"
#include "client/containers.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/format.h"
#include "client/listing.h"
#include "client/prune-filter.h"
#include "client/service-errors.h"
#include "client/system-info.h"
#include "client/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct { gboolean dry_run, force, all, volumes; } prune_given;

const DistOption dist_prune_options[] = {
    {"dry-run", 'n', DIST_OPTION_FLAG, &prune_given.dry_run, N_("Only print what would be deleted"),
     NULL},
    {"force", 'f', DIST_OPTION_FLAG, &prune_given.force, N_("Do not ask"), NULL},
    DIST_OPTION_INCLUDE(dist_prune_filter_options),
    DIST_OPTION_END,
};

const DistOption dist_prune_all_options[] = {
    {"all", 'a', DIST_OPTION_FLAG, &prune_given.all,
     N_("Delete also the images from which no container was created"), NULL},
    {"volumes", 0, DIST_OPTION_FLAG, &prune_given.volumes, N_("As WHAT volumes"), NULL},
    DIST_OPTION_INCLUDE(dist_prune_options),
    DIST_OPTION_END,
};

/* The service deletes them in one call and returns what it has deleted. */
static bool prune_contents(GError **error) {
    g_auto(GStrv) digests = NULL;
    uint64_t bytes;
    int r;

    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_IMAGES, "Prune", "a{sv}", 1, "DryRun", "b", (int)prune_given.dry_run);
    if (!reply)
        return false;
    if ((r = sd_bus_message_read_strv(reply, &digests)) < 0 ||
        (r = sd_bus_message_read(reply, "t", &bytes)) < 0)
        return dist_bad_reply(r, error);
    for (char **digest = digests; digest && *digest; digest++)
        puts(*digest);
    if (!dist_settings.quiet) {
        g_autofree char *size = dist_format_size(bytes);
        fprintf(stderr, prune_given.dry_run ? _("%s would be freed\n") : _("%s freed\n"), size);
    }
    return true;
}

/* A container that is paused, or in a state that dist does not know, is kept. */
static bool container_is_over(const DistContainer *container) {
    return container->state == DIST_CONTAINER_CREATED || container->state == DIST_CONTAINER_STOPPED;
}

/* If another client starts or deletes the object in the meantime, that is not an error. */
static bool delete_unless_used(const char *path, const char *interface, const char *name,
                               GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply =
        dist_call(&local, path, interface, "Delete", "sa{sv}", name, 0);

    if (reply) {
        puts(name);
        return true;
    }
    if (g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND) ||
        g_error_matches(local, BERTH_ERROR, BERTH_ERROR_IN_USE) ||
        g_error_matches(local, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* The list may be out of date by the time of a deletion: delete_unless_used() copes with that. */
static bool prune_containers(GError **error) {
    g_autoptr(GPtrArray) all = dist_containers_list(dist_prune_filters, true, error);

    for (guint i = 0; all && i < all->len; i++) {
        const DistContainer *container = all->pdata[i];
        if (!container_is_over(container) ||
            !dist_prune_filter_passes(container->created, container->labels))
            continue;
        if (prune_given.dry_run)
            puts(container->id);
        else if (!delete_unless_used(DIST_CONTAINERS, container->id, error))
            return false;
    }
    return all != NULL;
}

static int take_volume(sd_bus_message *reply, char **key, void *userdata) {
    g_autoptr(GHashTable) labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const char *name;
    uint64_t created = 0;
    const DistField fields[] = {
        {"Labels", "a{ss}", labels}, {"Created", "t", &created}, {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    if (dist_prune_filter_passes(created, labels))
        g_ptr_array_add(userdata, g_strdup(name));
    *key = g_strdup(name);
    return 1;
}

/* Only the service knows which are in use, and refuses to delete those. A dry run cannot find out.
 */
static bool delete_volumes(GError **error) {
    const DistListing volumes = {DIST_VOLUMES, "List", .filter = dist_prune_filter_append};
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    if (!dist_list(&volumes, take_volume, names, error))
        return false;
    for (guint i = 0; i < names->len; i++)
        if (!delete_unless_used(DIST_VOLUMES, names->pdata[i], error))
            return false;
    return true;
}

bool dist_prune_volumes(GError **error) {
    if (!dist_prune_filter_read(error))
        return false;
    if (prune_given.dry_run)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                               _("--dry-run is not supported for volumes"));
    return (prune_given.force ||
            dist_confirm(_("Delete all volumes that no container mounts, with their files?"),
                         error)) &&
           delete_volumes(error);
}

/* CNI networks are the administrator's files; the default network would be created again. */
static int take_unused_network(sd_bus_message *reply, char **key, void *userdata) {
    g_autoptr(GHashTable) labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) used_by = NULL;
    const char *name, *file = "";
    uint64_t created = 0;
    const DistField fields[] = {{"File", "s", &file},
                                {"UsedBy", "as", &used_by},
                                {"Labels", "a{ss}", labels},
                                {"Created", "t", &created},
                                {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    if (file[0] == '\0' && !g_str_equal(name, "berth") && (!used_by || !used_by[0]) &&
        dist_prune_filter_passes(created, labels))
        g_ptr_array_add(userdata, g_strdup(name));
    *key = g_strdup(name);
    return 1;
}

/* A container of another user in a network may not be listed here: the service then refuses. */
bool dist_prune_networks(GError **error) {
    const DistListing networks = {DIST_NETWORKS, "List", .filter = dist_prune_filter_append};
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    if (!dist_prune_filter_read(error))
        return false;
    if (!prune_given.force && !prune_given.dry_run &&
        !dist_confirm(_("Delete all networks that no container is in?"), error))
        return false;
    if (!dist_list(&networks, take_unused_network, names, error))
        return false;
    for (guint i = 0; i < names->len; i++)
        if (prune_given.dry_run)
            puts(names->pdata[i]);
        else if (!delete_unless_used(DIST_NETWORKS, names->pdata[i], error))
            return false;
    return true;
}

static int take_unused_image(sd_bus_message *reply, char **key, void *userdata) {
    g_auto(GStrv) used_by = NULL;
    const char *name;
    uint64_t created = 0;
    const DistField fields[] = {
        {"UsedBy", "as", &used_by}, {"Created", "t", &created}, {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    if ((!used_by || !used_by[0]) && dist_prune_filter_passes(created, NULL))
        g_ptr_array_add(userdata, g_strdup(name));
    *key = g_strdup(name);
    return 1;
}

static int append_unused_image(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return sd_bus_message_append(call, "{sv}", "Properties", "as", 2, "UsedBy", "Created");
}

/* Only their names: the contents are deleted next. */
static bool prune_images(GError **error) {
    const DistListing images = {DIST_IMAGES, "List", .filter = append_unused_image};
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    if (prune_given.dry_run)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                               _("--dry-run is not supported with --all"));
    if (!prune_given.force &&
        !dist_confirm(_("Delete all images from which no container was created?"), error))
        return false;
    if (!dist_list(&images, take_unused_image, names, error))
        return false;
    for (guint i = 0; i < names->len; i++)
        if (!delete_unless_used(DIST_IMAGES, names->pdata[i], error))
            return false;
    return true;
}

static bool confirm_containers(GError **error) {
    return prune_given.force || prune_given.dry_run ||
           dist_confirm(_("Delete all containers that do not run?"), error);
}

/* Contents have neither labels nor an age that matters. The labels of an image are in its
 * configuration, of which a list of images knows nothing: label!= would delete those to be kept. */
static bool prune_check_filter(GError **error) {
    if (!dist_prune_filter_is_given())
        return true;
    if (!prune_given.all)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                               _("--filter is not supported for contents without a name: give "
                                 "--all, or containers, volumes or networks"));
    return !dist_prune_filter_has_labels() ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                           _("--filter is not supported for labels of images"));
}

/* In the order in which one deletion releases what the next one deletes, whatever the order of the
 * words. */
static bool prune_words(char *const *words, GError **error) {
    static const char *const known[] = {"containers", "volumes", "networks", "contents", NULL};
    const char *const *all = (const char *const *)words;
    bool takes_contents = !*words || g_strv_contains(all, "contents");

    if (!dist_prune_filter_read(error))
        return false;
    if (takes_contents && !prune_check_filter(error))
        return false;
    for (char *const *word = words; *word; word++)
        if (!g_strv_contains(known, *word))
            return berth_error_set(
                error, BERTH_ERROR_INVALID_ARGUMENT,
                _("prune takes containers, volumes, networks or contents, not \"%s\""), *word);
    return (!g_strv_contains(all, "containers") ||
            (confirm_containers(error) && prune_containers(error))) &&
           (!(prune_given.volumes || g_strv_contains(all, "volumes")) ||
            dist_prune_volumes(error)) &&
           (!g_strv_contains(all, "networks") || dist_prune_networks(error)) &&
           (!takes_contents ||
            ((!prune_given.all || prune_images(error)) && prune_contents(error)));
}

int dist_verb_prune(char **argv, GError **error) {
    return prune_words(argv + 1, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct { gboolean force; } reset_given;

static const DistOption reset_options[] = {
    {"force", 'f', DIST_OPTION_FLAG, &reset_given.force, N_("Do not ask"), NULL},
    DIST_OPTION_END,
};

/* If another client has deleted one in the meantime, that is not an error. */
static bool delete_all(const char *path, const char *interface, bool forced, GError **error) {
    g_autoptr(GPtrArray) names = dist_list_names(path, interface, error);

    for (guint i = 0; names && i < names->len; i++) {
        g_autoptr(GError) local = NULL;
        g_autoptr(sd_bus_message) reply =
            forced ? dist_call(&local, path, interface, "Delete", "sa{sv}", names->pdata[i], 1,
                               "Force", "b", 1)
                   : dist_call(&local, path, interface, "Delete", "sa{sv}", names->pdata[i], 0);
        if (!reply && !g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
    }
    return names != NULL;
}

/* In the order of dependencies: containers use volumes and images, images use contents. */
static int system_reset(char **argv, GError **error) {
    (void)argv;
    if (!reset_given.force &&
        !dist_confirm(_("Delete all containers, volumes and images, with all their files?"), error))
        return EXIT_FAILURE;
    return delete_all(DIST_CONTAINERS, true, error) && delete_all(DIST_VOLUMES, false, error) &&
                   delete_all(DIST_IMAGES, false, error) && prune_contents(error)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

const DistVerb dist_system_verbs[] = {
    {.name = "info",
     .arguments = "",
     .summary = N_("Show the service's version, storage and number of objects"),
     .options = dist_inspect_table_options,
     .run = dist_system_info},
    {.name = "reset",
     .arguments = "",
     .summary = N_("Delete all containers, volumes and images that the caller may delete"),
     .options = reset_options,
     .run = system_reset},
    {.name = NULL},
};
