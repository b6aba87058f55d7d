/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs about images and transfers. */

#include "base/document.h"
#include "base/fd.h"
#include "config.h"
#include "credentials.h"
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean insecure, all_platforms;
static char *platform, *lease;
static const char *document; /* of Inspect */

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
    if (r >= 0 && document)
        r = sd_bus_message_append(call, "{sv}", "Document", "s", document);
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

static void add_platform(JsonBuilder *builder, JsonObject *manifest) {
    static const char *const parts[] = {"os", "architecture", "variant"};
    g_autoptr(GString) name = g_string_new(NULL);
    JsonObject *of = NULL;
    const char *digest = NULL, *part = NULL;
    uint64_t size = 0;

    berth_document_get_object(manifest, "platform", &of, NULL);
    for (size_t i = 0; of && i < G_N_ELEMENTS(parts); i++)
        if (berth_document_get_string(of, parts[i], &part, NULL) && part)
            g_string_append_printf(name, "%s%s", name->len > 0 ? "/" : "", part);
    berth_document_get_string(manifest, "digest", &digest, NULL);
    berth_document_get_size(manifest, "size", &size, NULL);
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "platform");
    json_builder_add_string_value(builder, name->str);
    json_builder_set_member_name(builder, "digest");
    json_builder_add_string_value(builder, digest ? digest : "");
    json_builder_set_member_name(builder, "size");
    json_builder_add_int_value(builder, (gint64)size);
    json_builder_end_object(builder);
}

/* The manifests that an index names, as JSON; "[]" for what is no index. */
static char *list_platforms(const char *reference, const char *digest, const char *media_type,
                            GError **error) {
    bool is_index = berth_media_type_get_kind(media_type) == BERTH_KIND_INDEX;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    size_t size;

    if (!is_index)
        return g_strdup("[]");
    berth_autofd int pipe = dist_fetch_object(reference, digest, insecure, error);
    g_autofree char *text =
        pipe < 0 ? NULL : berth_fd_read_stream(pipe, BERTH_DOCUMENT_MAX_BYTES, &size, error);
    g_autoptr(JsonNode) root = text ? berth_document_parse(text, size, error) : NULL;
    JsonArray *array = NULL;
    if (!root || !berth_document_get_array(json_node_get_object(root), "manifests", &array, error))
        return NULL;
    json_builder_begin_array(builder);
    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        if (JSON_NODE_HOLDS_OBJECT(node))
            add_platform(builder, json_node_get_object(node));
    }
    json_builder_end_array(builder);
    g_autoptr(JsonNode) list = json_builder_get_root(builder);
    return json_to_string(list, FALSE);
}

static int verb_resolve(int argc, char **argv, GError **error) {
    DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"mediaType", _("MEDIA TYPE"), DIST_CELL_TEXT},
        {"digest", _("DIGEST"), DIST_CELL_TEXT},
        {"size", _("SIZE"), DIST_CELL_NUMBER},
        {NULL, "", DIST_CELL_JSON},
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
    bool as_json = dist_settings.json != DIST_JSON_OFF;
    if (as_json)
        columns[4].key = "platforms";
    g_autofree char *platforms =
        as_json ? list_platforms(reference, digest, media_type, error) : g_strdup("");
    if (!platforms)
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    dist_table_add(table, name, media_type, digest, (int64_t)size, platforms);
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

static int read_image(sd_bus_message *reply, char **key, void *userdata) {
    const char *name, *media_type, *digest;
    uint64_t size, created, updated;
    int r;

    if ((r = sd_bus_message_enter_container(reply, 'r', "s(sst)tta{ss}")) < 0 ||
        (r = sd_bus_message_read(reply, "s(sst)tt", &name, &media_type, &digest, &size, &created,
                                 &updated)) < 0 ||
        (r = sd_bus_message_skip(reply, "a{ss}")) < 0 ||
        (r = sd_bus_message_exit_container(reply)) < 0)
        return r;
    dist_table_add(userdata, name, digest, media_type, (int64_t)updated);
    *key = g_strdup(name);
    return 1;
}

static int print_layers(sd_bus_message *reply) {
    const char *media_type, *digest;
    uint64_t size;
    int r = sd_bus_message_enter_container(reply, 'a', "(sst)");

    while (r >= 0 && (r = sd_bus_message_read(reply, "(sst)", &media_type, &digest, &size)) > 0) {
        g_autofree char *layer = dist_format_size(size);
        printf("    %s  %s\n", digest, layer);
    }
    return r < 0 ? r : sd_bus_message_exit_container(reply);
}

/* The key of the next page is how many platforms there were before. */
static int print_platform(sd_bus_message *reply, char **key, void *userdata) {
    const char *of, *media_type, *digest;
    uint64_t size, bytes;
    int complete, unpacked, r;
    unsigned *count = userdata;

    if ((r = sd_bus_message_enter_container(reply, 'r', "s(sst)tbba(sst)")) < 0 ||
        (r = sd_bus_message_read(reply, "s(sst)tbb", &of, &media_type, &digest, &size, &bytes,
                                 &complete, &unpacked)) < 0)
        return r;
    g_autofree char *text = dist_format_size(bytes);
    printf("  %s  %s  %s%s\n", of[0] ? of : media_type, digest, complete ? text : _("not here"),
           unpacked ? _(", unpacked") : "");
    if ((r = print_layers(reply)) < 0 || (r = sd_bus_message_exit_container(reply)) < 0)
        return r;
    *key = g_strdup_printf("%u", ++*count);
    return 1;
}

static int take_name(sd_bus_message *reply, char **key, void *userdata) {
    const char *name;
    int r;

    if ((r = sd_bus_message_enter_container(reply, 'r', "s(sst)tta{ss}")) < 0 ||
        (r = sd_bus_message_read(reply, "s", &name)) < 0 ||
        (r = sd_bus_message_skip(reply, "(sst)tta{ss}")) < 0 ||
        (r = sd_bus_message_exit_container(reply)) < 0)
        return r;
    g_ptr_array_add(userdata, g_strdup(name));
    *key = g_strdup(name);
    return 1;
}

/* The platforms of each image, as lines below its name. */
static bool print_trees(const DistListing *listing, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    if (!dist_list(listing, take_name, names, error))
        return false;
    for (guint i = 0; i < names->len; i++) {
        const DistListing platforms = {DIST_IMAGES, "Describe", .of = names->pdata[i]};
        unsigned count = 0;
        puts(names->pdata[i]);
        if (!dist_list(&platforms, print_platform, &count, error))
            return false;
    }
    return true;
}

typedef struct {
    const char *pattern;
    char *const *labels;
} ImageFilter;

static int append_filter(sd_bus_message *call, const void *userdata) {
    const ImageFilter *filter = userdata;
    int r = 0;

    if (filter->pattern)
        r = sd_bus_message_append(call, "{sv}", "Name", "s", filter->pattern);
    return r < 0 ? r : dist_append_labels(call, "Labels", filter->labels);
}

static int verb_images(int argc, char **argv, GError **error) {
    g_auto(GStrv) labels = NULL;
    gboolean tree = FALSE;
    const GOptionEntry options[] = {
        {"tree", 't', 0, G_OPTION_ARG_NONE, &tree, N_("Show platforms and layers"), NULL},
        {"label", 0, 0, G_OPTION_ARG_STRING_ARRAY, &labels, N_("Only with this label"),
         N_("KEY[=VALUE]")},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    const DistColumn columns[] = {
        {"name", _("NAME"), DIST_CELL_TEXT},
        {"digest", _("DIGEST"), DIST_CELL_TEXT},
        {"mediaType", _("MEDIA TYPE"), DIST_CELL_TEXT},
        {"updated", _("UPDATED"), DIST_CELL_TIME},
        {NULL, NULL, 0},
    };

    if (!dist_parse(_("[PATTERN]"), _("List the images."), options, false, &argc, &argv, error) ||
        !dist_check_count(argc, 0, 1, error))
        return EXIT_FAILURE;
    const ImageFilter filter = {argc > 1 ? argv[1] : NULL, labels};
    const DistListing images = {DIST_IMAGES, "List", .filter = append_filter,
                                .filter_data = &filter};
    if (tree && dist_settings.json == DIST_JSON_OFF)
        return print_trees(&images, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&images, read_image, table, error))
        return EXIT_FAILURE;
    dist_table_print(table);
    return EXIT_SUCCESS;
}

static int verb_tag(int argc, char **argv, GError **error) {
    gboolean move = FALSE;
    const GOptionEntry options[] = {
        {"move", 0, 0, G_OPTION_ARG_NONE, &move, N_("In place of its own: rename it"), NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    const char *media_type, *digest;
    uint64_t size;

    if (!dist_parse(_("NAME NEW"), _("Give an image another name."), options, false, &argc, &argv,
                    error) ||
        !dist_check_count(argc, 2, 2, error))
        return EXIT_FAILURE;
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autofree char *new = dist_complete_reference(argv[2]);
    if (strpbrk(argv[2], " \t\n") || argv[2][0] == '\0') {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("\"%s\" is no name for an image"),
                        argv[2]);
        return EXIT_FAILURE;
    }
    if (move) {
        g_autoptr(sd_bus_message) renamed =
            dist_call(error, DIST_IMAGES, "Rename", "ss", name, new);
        return renamed ? EXIT_SUCCESS : EXIT_FAILURE;
    }
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

static bool delete_one(const char *argument, const void *userdata, GError **error) {
    g_autofree char *name = dist_complete_reference(argument);
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "Delete", "s", name);

    (void)userdata;
    if (reply)
        puts(name);
    return reply != NULL;
}

static int verb_rmi(int argc, char **argv, GError **error) {
    if (!dist_parse(_("NAME…"), _("Remove names of images."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, -1, error))
        return EXIT_FAILURE;
    return dist_for_each(argv + 1, delete_one, NULL);
}

/* How the image was made, as its configuration tells (config.md, "history"). */
static bool print_history(const char *text, GError **error) {
    const DistColumn columns[] = {
        {"created", _("CREATED"), DIST_CELL_TEXT},
        {"empty", _("EMPTY"), DIST_CELL_TEXT},
        {"createdBy", _("CREATED BY"), DIST_CELL_TEXT},
        {NULL, NULL, 0},
    };
    g_autoptr(JsonNode) root = berth_document_parse(text, strlen(text), error);
    g_autoptr(DistTable) table = dist_table_new(columns);
    JsonArray *array;

    if (!root || !berth_document_get_array(json_node_get_object(root), "history", &array, error))
        return false;
    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        const char *created = NULL, *created_by = NULL;
        if (!JSON_NODE_HOLDS_OBJECT(node))
            continue;
        JsonObject *entry = json_node_get_object(node);
        berth_document_get_string(entry, "created", &created, NULL);
        berth_document_get_string(entry, "created_by", &created_by, NULL);
        bool empty = json_object_get_boolean_member_with_default(entry, "empty_layer", FALSE);
        dist_table_add(table, created ? created : "", empty ? _("yes") : _("no"),
                       created_by ? created_by : "");
    }
    dist_table_print(table);
    return true;
}

static int verb_inspect(int argc, char **argv, GError **error) {
    gboolean manifest = FALSE, history = FALSE;
    const GOptionEntry options[] = {
        {"platform", 0, 0, G_OPTION_ARG_STRING, &platform,
         N_("Platform, this machine's if not given"), "OS/ARCH[/VARIANT]"},
        {"manifest", 0, 0, G_OPTION_ARG_NONE, &manifest, N_("Show the manifest"), NULL},
        {"history", 0, 0, G_OPTION_ARG_NONE, &history, N_("Show how it was made"), NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    const char *text;

    if (!dist_parse(_("NAME"), _("Show the configuration of an image, or all of a container."),
                    options, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return EXIT_FAILURE;
    document = manifest ? "manifest" : NULL;
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply = call_with_options("Inspect", name, false, &local);
    /* What is no image may be a container. */
    if (!reply && local->code == BERTH_ERROR_NOT_FOUND && !manifest && !history)
        reply = dist_call(NULL, DIST_CONTAINERS, "Inspect", "s", argv[1]);
    if (!reply) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    int r = sd_bus_message_read(reply, "s", &text);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    if (history)
        return print_history(text, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    /* A file or a pipe gets the document to the byte. */
    g_autofree char *plain = isatty(STDOUT_FILENO) ? dist_format_json(text) : NULL;
    puts(plain ? plain : text);
    return EXIT_SUCCESS;
}

static int verb_verify(int argc, char **argv, GError **error) {
    const char *key;

    if (!dist_parse(_("NAME"), _("Check the signature of an image."), remote_options, false, &argc,
                    &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return EXIT_FAILURE;
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply = call_with_options("Verify", name, true, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "s", &key);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    puts(key);
    return EXIT_SUCCESS;
}

static int verb_mount(int argc, char **argv, GError **error) {
    int mount;

    if (!dist_parse(_("NAME DIRECTORY"), _("Mount an image, read-only."), pull_options, false,
                    &argc, &argv, error) ||
        !dist_check_count(argc, 2, 2, error))
        return EXIT_FAILURE;
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply = call_with_options("Mount", name, false, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "h", &mount);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    if (syscall(SYS_move_mount, mount, "", AT_FDCWD, argv[2], MOVE_MOUNT_F_EMPTY_PATH) < 0) {
        berth_error_set_errno(error, errno, _("mount it on %s"), argv[2]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int read_transfer(sd_bus_message *reply, char **key, void *userdata) {
    const char *path, *kind, *reference, *state;
    uint64_t done, total;
    uint32_t owner;
    int r = sd_bus_message_read(reply, "(ossustt)", &path, &kind, &reference, &owner, &state, &done,
                                &total);

    if (r <= 0)
        return r;
    const char *number = g_strrstr(path, "/");
    dist_table_add(userdata, number ? number + 1 : path, kind, reference, (int64_t)owner, state,
                   (int64_t)done, (int64_t)total);
    *key = g_strdup(path);
    return 1;
}

static int verb_transfers(int argc, char **argv, GError **error) {
    const DistColumn columns[] = {
        {"transfer", _("TRANSFER"), DIST_CELL_TEXT},   {"kind", _("KIND"), DIST_CELL_TEXT},
        {"reference", _("REFERENCE"), DIST_CELL_TEXT}, {"owner", _("OWNER"), DIST_CELL_NUMBER},
        {"state", _("STATE"), DIST_CELL_TEXT},         {"done", _("DONE"), DIST_CELL_SIZE},
        {"total", _("TOTAL"), DIST_CELL_SIZE},         {NULL, NULL, 0},
    };
    const DistListing transfers = {DIST_TRANSFERS, "List"};

    if (!dist_parse(NULL, _("List the transfers."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 0, 0, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&transfers, read_transfer, table, error))
        return EXIT_FAILURE;
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
    {"inspect", "NAME", N_("show the configuration of an image, or all of a container"),
     verb_inspect},
    {"tag", "NAME NEW", N_("give an image another name"), verb_tag},
    {"rmi", "NAME…", N_("remove names of images"), verb_rmi},
    {"untag", "NAME…", N_("remove names of images"), verb_rmi},
    {"verify", "NAME", N_("check the signature of an image"), verb_verify},
    {"mount", "NAME DIRECTORY", N_("mount an image, read-only"), verb_mount},
    {"push", "NAME [REFERENCE]", N_("send an image to a registry"), verb_push},
    {"resolve", "REFERENCE", N_("ask a registry what a reference means"), verb_resolve},
    {"fetch", "REFERENCE…", N_("fetch all that an image needs, and name nothing"), verb_fetch},
    {"unpack", "NAME…", N_("unpack an image that is here"), verb_unpack},
    {"transfers", "", N_("list the transfers"), verb_transfers},
    {"cancel", "TRANSFER", N_("cancel a transfer"), verb_cancel},
    {NULL, NULL, NULL, NULL},
};
