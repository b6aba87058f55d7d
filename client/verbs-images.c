/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs about images and transfers. */

#include "config.h"
#include "credentials.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>

static gboolean insecure, all_platforms;
static char *platform, *lease;

static const GOptionEntry remote_options[] = {
    {"insecure", 0, 0, G_OPTION_ARG_NONE, &insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static const GOptionEntry pull_options[] = {
    {"platform", 0, 0, G_OPTION_ARG_STRING, &platform, N_("Platform, this machine's if not given"),
     "OS/ARCH[/VARIANT]"},
    {"all-platforms", 0, 0, G_OPTION_ARG_NONE, &all_platforms, N_("Fetch what all platforms need"),
     NULL},
    {"lease", 0, 0, G_OPTION_ARG_STRING, &lease, N_("Keep what is fetched under this lease"), "ID"},
    {"insecure", 0, 0, G_OPTION_ARG_NONE, &insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static const GOptionEntry push_options[] = {
    {"platform", 0, 0, G_OPTION_ARG_STRING, &platform, N_("Of an index only this platform"),
     "OS/ARCH[/VARIANT]"},
    {"insecure", 0, 0, G_OPTION_ARG_NONE, &insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int append_options(sd_bus_message *call, const BerthCredentials *credentials) {
    int r = sd_bus_message_open_container(call, 'a', "{sv}");

    if (r >= 0 && platform)
        r = sd_bus_message_append(call, "{sv}", "Platform", "s", platform);
    if (r >= 0 && all_platforms)
        r = sd_bus_message_append(call, "{sv}", "AllPlatforms", "b", 1);
    if (r >= 0 && insecure)
        r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1);
    if (r >= 0 && lease)
        r = sd_bus_message_append(call, "{sv}", "Lease", "s", lease);
    if (r < 0 || (r = dist_append_credentials(call, credentials)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* remote: whom the argument is a reference of, and so whom credentials are for. */
static sd_bus_message *call_with_options(const char *member, const char *argument, bool remote,
                                         GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials =
        remote ? dist_find_credentials(argument, &local) : NULL;
    sd_bus_message *call = local ? NULL : dist_new_call(&local, DIST_IMAGES, member);
    int r;

    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    if ((r = sd_bus_message_append(call, "s", argument)) < 0 ||
        (r = append_options(call, credentials)) < 0) {
        sd_bus_message_unref(call);
        berth_error_set_errno(error, r, "%s", member);
        return NULL;
    }
    return dist_send(call, error);
}

static int verb_resolve(int argc, char **argv, GError **error) {
    const DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"mediaType", _("MEDIA TYPE"), DIST_CELL_TEXT},
        {"digest", _("DIGEST"), DIST_CELL_TEXT},
        {"size", _("SIZE"), DIST_CELL_NUMBER},
        {NULL, NULL, 0},
    };
    const char *name, *media_type, *digest;
    uint64_t size;

    if (!dist_parse(_("REFERENCE"), _("Ask a registry what a reference means."), remote_options,
                    false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return EXIT_FAILURE;
    g_autofree char *reference = dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply = call_with_options("Resolve", reference, true, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "s(sst)", &name, &media_type, &digest, &size);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    dist_table_add(table, name, media_type, digest, (int64_t)size);
    dist_table_print(table);
    return EXIT_SUCCESS;
}

static bool transfer(const char *member, const char *argument, bool remote, GError **error) {
    return dist_finish_transfer(call_with_options(member, argument, remote, error), argument,
                                error);
}

static int run_transfers(const char *member, const char *summary, bool complete, int argc,
                         char **argv, GError **error) {
    if (!dist_parse(complete ? _("REFERENCE…") : _("NAME…"), summary, pull_options, false, &argc,
                    &argv, error) ||
        !dist_check_count(argc, 1, -1, error))
        return EXIT_FAILURE;
    for (int i = 1; i < argc; i++) {
        g_autofree char *argument = dist_complete_reference(argv[i]);
        if (!transfer(member, argument, complete, error))
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int verb_fetch(int argc, char **argv, GError **error) {
    return run_transfers("Fetch", _("Fetch all that an image needs, and name nothing."), true, argc,
                         argv, error);
}

static int verb_pull(int argc, char **argv, GError **error) {
    return run_transfers("Pull", _("Fetch an image, unpack and name it."), true, argc, argv, error);
}

static int verb_unpack(int argc, char **argv, GError **error) {
    return run_transfers("Unpack", _("Unpack an image that is here."), false, argc, argv, error);
}

/* The name of an image here, and where it goes; without a second argument, where it came from. */
static int verb_push(int argc, char **argv, GError **error) {
    if (!dist_parse(_("NAME [REFERENCE]"), _("Send an image to a registry."), push_options, false,
                    &argc, &argv, error) ||
        !dist_check_count(argc, 1, 2, error))
        return EXIT_FAILURE;
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autofree char *reference = dist_complete_reference(argv[argc - 1]);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials = dist_find_credentials(reference, &local);
    sd_bus_message *call = local ? NULL : dist_new_call(&local, DIST_IMAGES, "Push");
    int r;

    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    if ((r = sd_bus_message_append(call, "ss", name, reference)) < 0 ||
        (r = append_options(call, credentials)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), EXIT_FAILURE;
    }
    return dist_finish_transfer(dist_send(call, error), reference, error) ? EXIT_SUCCESS
                                                                          : EXIT_FAILURE;
}

static int read_images(sd_bus_message *reply, DistTable *table) {
    const char *name, *media_type, *digest;
    uint64_t size, created, updated;
    int r = sd_bus_message_enter_container(reply, 'a', "(s(sst)tta{ss})");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "s(sst)tta{ss}")) > 0) {
        if ((r = sd_bus_message_read(reply, "s(sst)tt", &name, &media_type, &digest, &size,
                                     &created, &updated)) < 0 ||
            (r = sd_bus_message_skip(reply, "a{ss}")) < 0 ||
            (r = sd_bus_message_exit_container(reply)) < 0)
            return r;
        dist_table_add(table, name, digest, media_type, (int64_t)updated);
    }
    return r;
}

static int verb_images(int argc, char **argv, GError **error) {
    const DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"digest", _("DIGEST"), DIST_CELL_TEXT},
        {"mediaType", _("MEDIA TYPE"), DIST_CELL_TEXT},
        {"updated", _("UPDATED"), DIST_CELL_TIME},
        {NULL, NULL, 0},
    };

    if (!dist_parse(NULL, _("List the images."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 0, 0, error))
        return EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "List", "a{sv}", 0);
    if (!reply)
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    int r = read_images(reply, table);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    dist_table_print(table);
    return EXIT_SUCCESS;
}

static int verb_tag(int argc, char **argv, GError **error) {
    const char *media_type, *digest;
    uint64_t size;

    if (!dist_parse(_("NAME NEW"), _("Give an image another name."), NULL, false, &argc, &argv,
                    error) ||
        !dist_check_count(argc, 2, 2, error))
        return EXIT_FAILURE;
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autofree char *new = dist_complete_reference(argv[2]);
    g_autoptr(sd_bus_message) image = dist_call(error, DIST_IMAGES, "Get", "s", name);
    if (!image)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(image, "(sst)", &media_type, &digest, &size);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_IMAGES, "Put", "s(sst)a{ss}", new, media_type, digest, size, 0);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int verb_rmi(int argc, char **argv, GError **error) {
    if (!dist_parse(_("NAME…"), _("Remove names of images."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, -1, error))
        return EXIT_FAILURE;
    for (int i = 1; i < argc; i++) {
        g_autofree char *name = dist_complete_reference(argv[i]);
        g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "Delete", "s", name);
        if (!reply)
            return EXIT_FAILURE;
        puts(name);
    }
    return EXIT_SUCCESS;
}

static int verb_inspect(int argc, char **argv, GError **error) {
    const char *text;

    if (!dist_parse(_("NAME"), _("Show the configuration of an image."), pull_options, false, &argc,
                    &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return EXIT_FAILURE;
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply = call_with_options("Inspect", name, false, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "s", &text);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    puts(text);
    return EXIT_SUCCESS;
}

static int verb_transfers(int argc, char **argv, GError **error) {
    const DistColumn columns[] = {
        {"transfer", _("TRANSFER"), DIST_CELL_TEXT},   {"kind", _("KIND"), DIST_CELL_TEXT},
        {"reference", _("REFERENCE"), DIST_CELL_TEXT}, {"owner", _("OWNER"), DIST_CELL_NUMBER},
        {"state", _("STATE"), DIST_CELL_TEXT},         {"done", _("DONE"), DIST_CELL_SIZE},
        {"total", _("TOTAL"), DIST_CELL_SIZE},         {NULL, NULL, 0},
    };
    const char *path, *kind, *reference, *state;
    uint64_t done, total;
    uint32_t owner;

    if (!dist_parse(NULL, _("List the transfers."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 0, 0, error))
        return EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_TRANSFERS, "List", "");
    if (!reply)
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    int r = sd_bus_message_enter_container(reply, 'a', "(ossustt)");
    while (r >= 0 && (r = sd_bus_message_read(reply, "(ossustt)", &path, &kind, &reference, &owner,
                                              &state, &done, &total)) > 0) {
        const char *number = g_strrstr(path, "/");
        dist_table_add(table, number ? number + 1 : path, kind, reference, (int64_t)owner, state,
                       (int64_t)done, (int64_t)total);
    }
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    dist_table_print(table);
    return EXIT_SUCCESS;
}

static int verb_cancel(int argc, char **argv, GError **error) {
    if (!dist_parse(_("TRANSFER"), _("Cancel a transfer."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return EXIT_FAILURE;
    g_autofree char *path = g_strconcat("/org/berth1/transfers/", argv[1], NULL);
    if (!sd_bus_object_path_is_valid(path)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("\"%s\" is no transfer"), argv[1]);
        return EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply = dist_call(error, path, "org.berth1.Transfer", "Cancel", "");
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

const DistVerb dist_image_verbs[] = {
    {"pull", "REFERENCE…", N_("fetch an image, unpack and name it"), verb_pull},
    {"images", "", N_("list the images"), verb_images},
    {"inspect", "NAME", N_("show the configuration of an image"), verb_inspect},
    {"tag", "NAME NEW", N_("give an image another name"), verb_tag},
    {"rmi", "NAME…", N_("remove names of images"), verb_rmi},
    {"push", "NAME [REFERENCE]", N_("send an image to a registry"), verb_push},
    {"resolve", "REFERENCE", N_("ask a registry what a reference means"), verb_resolve},
    {"fetch", "REFERENCE…", N_("fetch all that an image needs, and name nothing"), verb_fetch},
    {"unpack", "NAME…", N_("unpack an image that is here"), verb_unpack},
    {"transfers", "", N_("list the transfers"), verb_transfers},
    {"cancel", "TRANSFER", N_("cancel a transfer"), verb_cancel},
    {NULL, NULL, NULL, NULL},
};
