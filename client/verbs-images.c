/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs about images. dist runs one verb and ends, so its options are static
 * variables, which several verbs' tables share. Names are completed here, since the service takes
 * only complete ones; credentials go with the calls that lead to a registry.
 */

#include "client/verbs.h"

#include "base/document.h"
#include "base/fd.h"
#include "client/bus.h"
#include "client/credentials.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/format.h"
#include "client/object.h"
#include "client/progress-view.h"
#include "client/progress.h"
#include "client/table.h"
#include "client/verbs-image-list.h"
#include "client/verbs-transfers.h"
#include "config.h"

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

static const DistOption remote_options[] = {
    {"insecure", 0, DIST_OPTION_FLAG, &insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_END,
};

static const DistOption pull_options[] = {
    {"platform", 0, DIST_OPTION_TEXT, &platform, N_("Platform, this machine's if not given"),
     N_("OS/ARCH[/VARIANT]")},
    {"all-platforms", 0, DIST_OPTION_FLAG, &all_platforms,
     N_("Fetch the contents of all platforms"), NULL},
    {"lease", 0, DIST_OPTION_TEXT, &lease, N_("Keep fetched contents with this lease"), "ID"},
    {"insecure", 0, DIST_OPTION_FLAG, &insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_INCLUDE(dist_progress_options),
    DIST_OPTION_END,
};

static const DistOption push_options[] = {
    {"platform", 0, DIST_OPTION_TEXT, &platform, N_("Export only this platform of an index"),
     N_("OS/ARCH[/VARIANT]")},
    {"insecure", 0, DIST_OPTION_FLAG, &insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_INCLUDE(dist_progress_options),
    DIST_OPTION_END,
};

static int append_image_options(sd_bus_message *call, const BerthCredentials *credentials) {
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

/* Calls a member with the options given. It gets name, which the service has, and reference, to
 * whose registry the call leads, so that credentials for it go along. Either may be NULL. */
static sd_bus_message *call_with_options(const char *member, const char *name,
                                         const char *reference, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials =
        reference ? dist_find_credentials(reference, &local) : NULL;
    sd_bus_message *call = local ? NULL : dist_new_call(&local, DIST_IMAGES, member);
    int r;

    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    if ((name && (r = sd_bus_message_append(call, "s", name)) < 0) ||
        (reference && (r = sd_bus_message_append(call, "s", reference)) < 0) ||
        (r = append_image_options(call, credentials)) < 0) {
        sd_bus_message_unref(call);
        berth_error_set_errno(error, r, "%s", member);
        return NULL;
    }
    return dist_send(call, error);
}

/* Members that are missing or have another type appear as "" or 0: the document is the
 * registry's. */
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

/* The manifests that an index names, as JSON; "[]" if the object is not an index. The caller frees
 * the text. */
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

static int verb_resolve(char **argv, GError **error) {
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

    g_autofree char *reference = dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply = call_with_options("Resolve", NULL, reference, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "s(sst)", &name, &media_type, &digest, &size);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    /* Only JSON has the platforms, since the index has to be fetched for them. A column without a
     * key ends the table. */
    bool as_json = dist_settings.json != DIST_JSON_OFF;
    if (as_json)
        columns[4].key = "platforms";
    g_autofree char *platforms =
        as_json ? list_platforms(reference, digest, media_type, error) : g_strdup("");
    if (!platforms)
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    dist_table_add(table, name, media_type, digest, (int64_t)size, platforms);
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* One after another. The first failure ends it; transfers that are complete stay. remote: the
 * argument leads to a registry, which needs credentials; otherwise it is the name of an image that
 * is here. */
static int transfer_each(const char *member, bool remote, char **arguments, GError **error) {
    for (; *arguments; arguments++) {
        g_autofree char *argument = dist_complete_reference(*arguments);
        sd_bus_message *reply =
            call_with_options(member, remote ? NULL : argument, remote ? argument : NULL, error);
        if (!dist_finish_transfer(reply, argument, error))
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int verb_fetch(char **argv, GError **error) {
    return transfer_each("Fetch", true, argv + 1, error);
}

static int verb_pull(char **argv, GError **error) {
    return transfer_each("Pull", true, argv + 1, error);
}

static int verb_unpack(char **argv, GError **error) {
    return transfer_each("Unpack", false, argv + 1, error);
}

/* Pushes the image of the first name to the second; a single one is both. */
static int verb_push(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autofree char *reference = dist_complete_reference(argv[argc - 1]);
    return dist_finish_transfer(call_with_options("Push", name, reference, error), reference, error)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

static struct { gboolean move; } tag_given;

static const DistOption tag_options[] = {
    {"move", 0, DIST_OPTION_FLAG, &tag_given.move, N_("Rename it: remove its own name"), NULL},
    DIST_OPTION_END,
};

static int verb_tag(char **argv, GError **error) {
    DistTarget target = {"", "", 0};
    const DistField fields[] = {{"Target", "(sst)", &target}, {NULL, NULL, NULL}};

    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autofree char *new = dist_complete_reference(argv[2]);
    if (strpbrk(argv[2], " \t\n") || argv[2][0] == '\0') {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("invalid image name \"%s\""),
                        argv[2]);
        return EXIT_FAILURE;
    }
    if (tag_given.move) {
        g_autoptr(sd_bus_message) renamed =
            dist_call(error, DIST_IMAGES, "Rename", "ssa{sv}", name, new, 0);
        return renamed ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    /* If the first name moves between the two calls, the new one keeps the earlier target. */
    g_autoptr(sd_bus_message) image = dist_call(error, DIST_IMAGES, "Get", "sa{sv}", name, 0);
    if (!image)
        return EXIT_FAILURE;
    int r = dist_dictionary_read(image, fields);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_IMAGES, "Put", "s(sst)a{ss}a{sv}", new, target.media_type,
                  target.digest, target.size, 0, 0);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool delete_image_name(const char *name, const void *userdata, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "Delete", "sa{sv}", name, 0);

    (void)userdata;
    if (reply)
        puts(name);
    return reply != NULL;
}

/* In one call, so that a person is asked once. */
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

static int verb_rmi(char **argv, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) deleted = NULL;
    int status = EXIT_SUCCESS, r;

    for (char **argument = argv + 1; *argument; argument++)
        g_ptr_array_add(names, dist_complete_reference(*argument));
    g_ptr_array_add(names, NULL);
    char **list = (char **)names->pdata;
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
        } else {
            g_autoptr(GError) missing = NULL;
            berth_error_set(&missing, BERTH_ERROR_NOT_FOUND, _("there is no image \"%s\" here"),
                            *name);
            dist_print_error(missing);
            status = EXIT_FAILURE;
        }
    return status;
}

/* Prints the history in the configuration of an image (OCI image specification, config.md). */
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
    return dist_table_print(table, error);
}

static struct {
    gboolean manifest;
    gboolean history;
} inspect_given;

static const DistOption inspect_options[] = {
    {"platform", 0, DIST_OPTION_TEXT, &platform, N_("Platform, this machine's if not given"),
     N_("OS/ARCH[/VARIANT]")},
    {"manifest", 0, DIST_OPTION_FLAG, &inspect_given.manifest, N_("Show the manifest"), NULL},
    {"history", 0, DIST_OPTION_FLAG, &inspect_given.history, N_("Show the history of its layers"),
     NULL},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

static int verb_inspect(char **argv, GError **error) {
    const char *text;

    document = inspect_given.manifest ? "manifest" : NULL;
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply = call_with_options("Inspect", name, NULL, &local);
    /* The name may be that of a container. If it is neither, the error about the image is reported.
     */
    if (!reply && local->code == BERTH_ERROR_NOT_FOUND && !inspect_given.manifest &&
        !inspect_given.history)
        reply = dist_call(NULL, DIST_CONTAINERS, "Inspect", "sa{sv}", argv[1], 0);
    if (!reply) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    int r = sd_bus_message_read(reply, "s", &text);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    if (inspect_given.history)
        return print_history(text, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    /* On a terminal, control characters are escaped. A file or a pipe gets the document unchanged,
     * and a newline. */
    g_autofree char *plain = isatty(STDOUT_FILENO) ? dist_format_json(text) : NULL;
    puts(plain ? plain : text);
    return EXIT_SUCCESS;
}

/* Prints the file of the key that has signed the image. */
static int verb_verify(char **argv, GError **error) {
    const char *key;

    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply = call_with_options("Verify", NULL, name, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "s", &key);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    puts(key);
    return EXIT_SUCCESS;
}

static int verb_mount(char **argv, GError **error) {
    int mount;

    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply = call_with_options("Mount", name, NULL, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "h", &mount);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    /* The service answers a detached mount; attaching it needs the caller's own rights
     * (move_mount(2)). */
    if (syscall(SYS_move_mount, mount, "", AT_FDCWD, argv[2], MOVE_MOUNT_F_EMPTY_PATH) < 0) {
        berth_error_set_errno(error, errno, _("mount it on %s"), argv[2]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

const DistVerb dist_image_verbs[] = {
    {.name = "pull",
     .arguments = N_("REFERENCE…"),
     .summary = N_("Pull images: fetch, unpack and name them"),
     .options = pull_options,
     .run = verb_pull,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist pull redis"},
    {.name = "images",
     .arguments = N_("[PATTERN]"),
     .summary = N_("List images"),
     .options = dist_images_options,
     .run = dist_verb_images,
     .max = 1,
     .example = "dist images 'docker.io/library/*'"},
    {.name = "inspect",
     .arguments = N_("NAME"),
     .summary = N_("Show the configuration of an image, or all of a container"),
     .options = inspect_options,
     .run = verb_inspect,
     .min = 1,
     .max = 1,
     .example = "dist inspect --platform=linux/arm64 redis"},
    {.name = "tag",
     .arguments = N_("NAME NEW"),
     .summary = N_("Give an image another name"),
     .options = tag_options,
     .run = verb_tag,
     .min = 2,
     .max = 2,
     .example = "dist tag redis registry.example.com/redis:mine"},
    {.name = "rmi",
     .arguments = N_("NAME…"),
     .summary = N_("Remove names of images"),
     .run = verb_rmi,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .details = N_("Contents that no image needs any longer are deleted by \"dist prune\"."),
     .example = "dist rmi redis"},
    {.name = "untag",
     .arguments = N_("NAME…"),
     .summary = N_("Remove names of images"),
     .run = verb_rmi,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "verify",
     .arguments = N_("NAME"),
     .summary = N_("Check the signature of an image"),
     .options = remote_options,
     .run = verb_verify,
     .min = 1,
     .max = 1},
    {.name = "mount",
     .arguments = N_("NAME DIRECTORY"),
     .summary = N_("Mount an image, read-only"),
     .options = pull_options,
     .run = verb_mount,
     .min = 2,
     .max = 2},
    {.name = "push",
     .arguments = N_("NAME [REFERENCE]"),
     .summary = N_("Push an image to a registry"),
     .options = push_options,
     .run = verb_push,
     .min = 1,
     .max = 2,
     .example = "dist push redis registry.example.com/redis:mine"},
    {.name = "resolve",
     .arguments = N_("REFERENCE"),
     .summary = N_("Show what a reference stands for in its registry"),
     .options = remote_options,
     .run = verb_resolve,
     .min = 1,
     .max = 1},
    {.name = "fetch",
     .arguments = N_("REFERENCE…"),
     .summary = N_("Fetch the contents of images without naming them"),
     .options = pull_options,
     .run = verb_fetch,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "unpack",
     .arguments = N_("NAME…"),
     .summary = N_("Unpack images that were imported or fetched"),
     .options = pull_options,
     .run = verb_unpack,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "transfers",
     .arguments = "",
     .summary = N_("List transfers"),
     .options = dist_transfers_options,
     .run = dist_verb_transfers},
    {.name = "cancel",
     .arguments = N_("TRANSFER"),
     .summary = N_("Cancel a transfer"),
     .run = dist_verb_cancel,
     .min = 1,
     .max = 1},
    {.name = NULL},
};
