/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist resolve, inspect and verify: information about one image, stored or in its registry.
 * Documents come from the registry and are read with care: missing members appear as empty.
 */

#include "client/verbs-image-inspect.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "client/bus.h"
#include "client/docker-view.h"
#include "client/each.h"
#include "client/format.h"
#include "client/image-call.h"
#include "client/image-view.h"
#include "client/object.h"
#include "client/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static DistImageOptions given;

const DistOption dist_resolve_options[] = {
    {"insecure", 0, DIST_OPTION_FLAG, &given.insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_END,
};

/* Members that are missing or of another type appear as "" or 0: the document comes from the
 * registry. */
static void add_platform(json_object *platforms, json_object *manifest) {
    static const char *const parts[] = {"os", "architecture", "variant"};
    g_autoptr(GString) name = g_string_new(NULL);
    json_object *of = NULL;
    const char *digest = NULL, *part = NULL;
    uint64_t size = 0;

    berth_document_get_object(manifest, "platform", &of, NULL);
    for (size_t i = 0; of && i < G_N_ELEMENTS(parts); i++)
        if (berth_document_get_string(of, parts[i], &part, NULL) && part)
            g_string_append_printf(name, "%s%s", name->len > 0 ? "/" : "", part);
    berth_document_get_string(manifest, "digest", &digest, NULL);
    berth_document_get_size(manifest, "size", &size, NULL);
    json_object *platform = berth_document_append_object(platforms);
    berth_document_add_string(platform, "platform", name->str);
    berth_document_add_string_or_empty(platform, "digest", digest);
    berth_document_add_int(platform, "size", (int64_t)size);
}

/* The manifests in an index, as JSON; "[]" if the object is not an index. The caller frees the
 * text. */
static char *list_platforms(const char *reference, const char *digest, const char *media_type,
                            GError **error) {
    bool is_index = berth_media_type_get_kind(media_type) == BERTH_KIND_INDEX;
    g_autoptr(json_object) platforms = json_object_new_array();
    size_t size;

    if (!is_index)
        return g_strdup("[]");
    berth_autofd int pipe = dist_fetch_object(reference, digest, given.insecure, error);
    g_autofree char *text =
        pipe < 0 ? NULL : berth_fd_read_stream(pipe, BERTH_MAX_DOCUMENT_BYTES, &size, error);
    g_autoptr(json_object) index = text ? berth_document_parse(text, size, error) : NULL;
    json_object *manifests = NULL;
    if (!index || !berth_document_get_array(index, "manifests", &manifests, error))
        return NULL;
    for (size_t i = 0; manifests && i < json_object_array_length(manifests); i++) {
        json_object *manifest = json_object_array_get_idx(manifests, i);
        if (json_object_is_type(manifest, json_type_object))
            add_platform(platforms, manifest);
    }
    return dist_format_value(platforms, false);
}

/* One request to the registry, and with --json another one for the index. */
int dist_verb_resolve(char **argv, GError **error) {
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
    g_autoptr(sd_bus_message) reply = dist_image_call("Resolve", NULL, reference, &given, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "s(sst)", &name, &media_type, &digest, &size);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    /* Only JSON and --format have the platforms, since the index has to be fetched for them. A
     * column without a key ends the table. */
    bool as_json = dist_settings.json != DIST_JSON_OFF || dist_table_has_format();
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

/* Prints the history in an image's configuration (OCI image specification, config.md). */
static bool print_history(const char *text, GError **error) {
    const DistColumn columns[] = {
        {"created", _("CREATED"), DIST_CELL_TEXT},
        {"empty", _("EMPTY"), DIST_CELL_TEXT},
        {"createdBy", _("CREATED BY"), DIST_CELL_TEXT},
        {NULL, NULL, 0},
    };
    g_autoptr(json_object) config = berth_document_parse(text, strlen(text), error);
    g_autoptr(DistTable) table = dist_table_new(columns);
    json_object *history;

    if (!config || !berth_document_get_array(config, "history", &history, error))
        return false;
    for (size_t i = 0; history && i < json_object_array_length(history); i++) {
        json_object *entry = json_object_array_get_idx(history, i);
        const char *created = NULL, *created_by = NULL;
        bool empty = false;
        if (!json_object_is_type(entry, json_type_object))
            continue;
        berth_document_get_string(entry, "created", &created, NULL);
        berth_document_get_string(entry, "created_by", &created_by, NULL);
        berth_document_get_bool(entry, "empty_layer", &empty, NULL);
        dist_table_add(table, created ? created : "", empty ? _("yes") : _("no"),
                       created_by ? created_by : "");
    }
    return dist_table_print(table, error);
}

static struct {
    gboolean manifest;
    gboolean history;
    gboolean exists;
    gboolean array;
    char *type;
} inspect_given;

/* The documents of --array; NULL without it. */
static json_object *inspect_array;

static const char *const inspect_types[] = {"all", "container", "image", NULL};

const DistOption dist_inspect_options[] = {
    {"type", 0, DIST_OPTION_TEXT, &inspect_given.type,
     N_("Inspect only a container, or only an image"), N_("TYPE"), .choices = inspect_types},
    {"exists", 0, DIST_OPTION_FLAG, &inspect_given.exists,
     N_("Print nothing; the status is 1 if it does not exist"), NULL},
    {"platform", 0, DIST_OPTION_TEXT, &given.platform,
     N_("Platform; this machine's if not "
        "given"),
     N_("OS/ARCH[/VARIANT]")},
    {"array", 0, DIST_OPTION_FLAG, &inspect_given.array,
     N_("Print one array of all documents, which also have docker's names"), NULL},
    {"manifest", 0, DIST_OPTION_FLAG, &inspect_given.manifest, N_("Show the manifest"), NULL},
    {"history", 0, DIST_OPTION_FLAG, &inspect_given.history, N_("Show the history of its layers"),
     NULL},
    DIST_OPTION_INCLUDE(dist_inspect_table_options),
    DIST_OPTION_END,
};

/* Adds docker's members to the document's own. image is the name of an image, or NULL for a
 * container. */
static bool inspect_add_view(json_object *document, const char *text, const char *image,
                             bool with_names, GError **error) {
    if (!image)
        dist_docker_view_add(document);
    return !image || inspect_given.manifest ||
           dist_image_view_add(document, text, image, with_names, error);
}

/* Prints what --format selects. */
static bool inspect_print_format(const char *text, const char *image, GError **error) {
    g_autoptr(json_object) document = berth_document_parse(text, strlen(text), error);

    if (!document)
        return false;
    if (dist_table_has_template() &&
        !inspect_add_view(document, text, image, dist_table_format_mentions("Repo"), error))
        return false;
    return dist_table_fill_format(document, error);
}

/* For --array: the documents are printed together, at the end. */
static bool inspect_append(const char *text, const char *image, GError **error) {
    json_object *document = berth_document_parse(text, strlen(text), error);

    if (document)
        json_object_array_add(inspect_array, document);
    return document && inspect_add_view(document, text, image, true, error);
}

static bool inspect_print(sd_bus_message *reply, const char *image, GError **error) {
    const char *text;
    int r = sd_bus_message_read(reply, "s", &text);

    if (r < 0)
        return dist_bad_reply(r, error);
    if (inspect_given.exists)
        return true;
    if (inspect_given.history)
        return print_history(text, error);
    if (dist_table_has_format())
        return inspect_print_format(text, image, error);
    if (inspect_array)
        return inspect_append(text, image, error);
    /* On a terminal, control characters are escaped. A file or a pipe gets the document unchanged,
     * plus a newline. */
    g_autofree char *plain = isatty(STDOUT_FILENO) ? dist_format_json(text) : NULL;
    puts(plain ? plain : text);
    return true;
}

/* Without --type, a container comes before an image of the same name, as in docker and podman. */
static bool inspect_one(const char *argument, const void *userdata, GError **error) {
    const char *type = userdata;
    bool may_be_container = !g_str_equal(type, "image") && !inspect_given.manifest &&
                            !inspect_given.history && !given.platform;
    bool may_be_image = !g_str_equal(type, "container");
    g_autofree char *name = dist_complete_reference(argument);
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply =
        may_be_container ? dist_call(&local, DIST_CONTAINERS, "Inspect", "sa{sv}", argument, 0)
                         : NULL;

    if (reply)
        return inspect_print(reply, NULL, error);
    if (may_be_image) {
        /* Most names of images are not even valid as the id of a container. */
        g_clear_error(&local);
        reply = dist_image_call("Inspect", name, NULL, &given, &local);
    }
    if (reply)
        return inspect_print(reply, name, error);
    if (may_be_container && may_be_image && local->code == BERTH_ERROR_NOT_FOUND)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               _("there is no image or container \"%s\""), argument);
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* With --array, what was found is printed even if something else was not, as in docker. Without
 * any, or if something else was printed, there is no array. */
static int inspect_each(char **arguments, const char *type) {
    g_autoptr(json_object) array = inspect_given.array ? json_object_new_array() : NULL;

    inspect_array = array;
    int status = dist_for_each(arguments, inspect_one, type);
    inspect_array = NULL;
    if (array && json_object_array_length(array) > 0) {
        g_autofree char *text = dist_format_value(array, true);
        puts(text);
    }
    return status;
}

int dist_verb_inspect(char **argv, GError **error) {
    const char *type = inspect_given.type ? inspect_given.type : "all";

    if (!g_strv_contains(inspect_types, type)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("invalid value \"%s\" of %s"), type,
                        "--type");
        return EXIT_FAILURE;
    }
    given.document = inspect_given.manifest ? "manifest" : NULL;
    if (!inspect_given.exists)
        return inspect_each(argv + 1, type);
    /* A missing object is an answer, not a failure that has to be reported. */
    for (char **argument = argv + 1; *argument; argument++) {
        g_autoptr(GError) local = NULL;
        if (inspect_one(*argument, type, &local))
            continue;
        if (local->code != BERTH_ERROR_NOT_FOUND)
            g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* Prints the file of the key that signed the image. */
int dist_verb_verify(char **argv, GError **error) {
    const char *key;

    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply = dist_image_call("Verify", NULL, name, &given, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "s", &key);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    puts(key);
    return EXIT_SUCCESS;
}
