/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* After an archive was read: which images it holds, whether all of each is here, and their names.
 * "docker save" has no manifests: they are written here. */

#include "base/fd.h"
#include "images/import-private.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <json-glib/json-glib.h>
#include <string.h>

typedef struct {
    BerthImport *import;
    const BerthImportMember *config;
    GPtrArray *layers; /* of BerthImportMember, the table's */
    char **tags;
} DockerImage;

static void write_next_docker(BerthImport *import);
static void check_next(BerthImport *import);

void berth_import_docker_free(gpointer data) {
    DockerImage *image = data;

    g_ptr_array_unref(image->layers);
    g_strfreev(image->tags);
    g_free(image);
}

static void fail(BerthImport *import, BerthErrorCode code, const char *text) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, code, "%s", text);
    berth_import_end(import, error);
}

/* A name of docker's is short; one of a layout may be a tag only. */
static char *complete_name(BerthImport *import, const char *name) {
    const char *slash = strchr(name, '/');
    g_autofree char *host = slash ? g_strndup(name, (gsize)(slash - name)) : NULL;
    bool has_host = host && (strpbrk(host, ".:") || g_str_equal(host, "localhost"));
    bool has_tag = strpbrk(slash ? slash : name, ":@") != NULL;

    if (name[0] == '\0')
        return g_strdup(import->name);
    if (has_host)
        return g_strconcat(name, has_tag ? "" : ":latest", NULL);
    if (!slash && !has_tag)
        /* A tag alone, which is one of the name that was given. */
        return import->name[0] ? g_strdup(import->name)
                               : g_strconcat("localhost/imported:", name, NULL);
    return g_strconcat("docker.io/", slash ? "" : "library/", name, has_tag ? "" : ":latest", NULL);
}

static void add_found(BerthImport *import, const BerthDescriptor *target, const char *name) {
    BerthImportedImage *image = g_new0(BerthImportedImage, 1);

    image->target = berth_descriptor_copy(target);
    image->name = complete_name(import, name);
    g_ptr_array_add(import->found, image);
}

/* All are whole: the names appear together. */
static void put_names(BerthImport *import) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < import->found->len; i++) {
        const BerthImportedImage *image = import->found->pdata[i];
        g_autoptr(BerthDescriptor) before = NULL;
        if (!import->transfer->target)
            import->transfer->target = berth_descriptor_copy(image->target);
        if (image->name[0] == '\0')
            continue;
        if (!berth_images_put(import->images, image->name, image->target, NULL,
                              import->transfer->owner, &before, &error)) {
            g_ptr_array_set_free_func(names, g_free);
            berth_import_end(import, error);
            return;
        }
        g_ptr_array_add(names, g_strdup(image->name));
    }
    g_ptr_array_add(names, NULL);
    import->transfer->names = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
    berth_import_end(import, NULL);
}

static void on_allowed(const GError *refused, void *userdata) {
    BerthImport *import = userdata;

    if (berth_operation_has_ended(import->operation))
        return;
    if (refused)
        berth_import_end(import, refused);
    else
        put_names(import);
}

/* Only now are the names known: nothing is put before all of them are allowed. */
static void on_synced(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImport *import = userdata;

    (void)reply;
    if (berth_operation_has_ended(import->operation))
        return;
    if (error)
        berth_import_end(import, error);
    else if (import->asker)
        import->asker->ask(import->asker, import->found, on_allowed, import);
    else
        put_names(import);
}

/* Renames of blobs are made durable before anything is named. */
static void sync_blobs(BerthImport *import) {
    const BerthImportedImage *first = import->found->pdata[0];
    BerthContentStore *store = berth_contents_get_store(import->images->contents);

    berth_call_ingest_sync(import->ingest,
                           berth_content_store_get_directory(store, first->target->digest),
                           on_synced, import);
}

static void on_checked_platform(GPtrArray *items, const GError *error, void *userdata) {
    BerthImport *import = userdata;
    const BerthImportedImage *image = import->found->pdata[import->next];
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    import->closure = NULL;
    if (!local && berth_closure_check(items, image->name, &local)) {
        import->next++;
        check_next(import);
    } else {
        g_prefix_error(&local, "the archive is not whole: ");
        berth_import_end(import, local);
    }
}

static void check_with(BerthImport *import, const BerthPlatform *platform, BerthClosureDone done) {
    const BerthImportedImage *image = import->found->pdata[import->next];
    g_autoptr(GError) error = NULL;

    /* What the archive did not bring is not its image's, though it may be here. */
    const BerthClosureScope scope = {.owner = import->transfer->owner};
    import->closure = berth_closure_collect(import->images, image->target, platform, &scope, done,
                                            import, &error);
    if (!import->closure)
        berth_import_end(import, error);
}

/* An index may have been saved for one platform; that one has to be whole. */
static void on_checked(GPtrArray *items, const GError *error, void *userdata) {
    BerthImport *import = userdata;
    const BerthImportedImage *image = import->found->pdata[import->next];
    bool is_index = berth_media_type_get_kind(image->target->media_type) == BERTH_KIND_INDEX;

    import->closure = NULL;
    if (error) {
        berth_import_end(import, error);
    } else if (berth_closure_check(items, image->name, NULL)) {
        import->next++;
        check_next(import);
    } else {
        check_with(import, is_index ? import->platform : NULL, on_checked_platform);
    }
}

static void check_next(BerthImport *import) {
    if (berth_operation_has_ended(import->operation))
        return;
    if (import->found->len == 0)
        fail(import, BERTH_ERROR_INVALID_ARGUMENT, "the archive holds no image");
    else if (import->next >= import->found->len)
        sync_blobs(import);
    else
        check_with(import, NULL, on_checked);
}

static void start_checking(BerthImport *import) {
    import->next = 0;
    check_next(import);
}

static void add_descriptor(JsonBuilder *builder, const char *media_type, const char *digest,
                           uint64_t size) {
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "mediaType");
    json_builder_add_string_value(builder, media_type);
    json_builder_set_member_name(builder, "digest");
    json_builder_add_string_value(builder, digest);
    json_builder_set_member_name(builder, "size");
    json_builder_add_int_value(builder, (gint64)size);
    json_builder_end_object(builder);
}

/* layers: of BerthImportMember. What they are compressed with is seen when they are unpacked. */
static char *format_manifest(const char *config, uint64_t config_size, GPtrArray *layers) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "schemaVersion");
    json_builder_add_int_value(builder, 2);
    json_builder_set_member_name(builder, "mediaType");
    json_builder_add_string_value(builder, BERTH_MEDIA_OCI_MANIFEST);
    json_builder_set_member_name(builder, "config");
    add_descriptor(builder, BERTH_MEDIA_OCI_CONFIG, config, config_size);
    json_builder_set_member_name(builder, "layers");
    json_builder_begin_array(builder);
    for (guint i = 0; i < layers->len; i++) {
        const BerthImportMember *layer = layers->pdata[i];
        add_descriptor(builder, BERTH_MEDIA_OCI_LAYER, layer->digest, layer->size);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

static void on_manifest(const char *digest, uint64_t size, const GError *error, void *userdata) {
    BerthImport *import = userdata;
    const DockerImage *image = import->docker->pdata[import->next];

    import->storing = NULL;
    if (berth_operation_has_ended(import->operation))
        return;
    if (error) {
        berth_import_end(import, error);
        return;
    }
    berth_import_pin(import, digest);
    g_autoptr(BerthDescriptor) target =
        berth_descriptor_new(BERTH_MEDIA_OCI_MANIFEST, digest, size);
    for (char **tag = image->tags; *tag; tag++)
        add_found(import, target, *tag);
    if (!image->tags[0])
        add_found(import, target, "");
    import->next++;
    write_next_docker(import);
}

static void write_next_docker(BerthImport *import) {
    if (import->next >= import->docker->len) {
        start_checking(import);
        return;
    }
    const DockerImage *image = import->docker->pdata[import->next];
    g_autofree char *text =
        format_manifest(image->config->digest, image->config->size, image->layers);
    import->storing =
        berth_contents_store_text(import->images->contents, text, on_manifest, import);
}

static const BerthImportMember *find_member(BerthImport *import, const char *name, GError **error) {
    g_autofree char *path = berth_import_normalize(name);
    const BerthImportMember *member = g_hash_table_lookup(import->members, path);

    /* A link to a link would be a strange archive, one to itself a hostile one. */
    for (int i = 0; member && !member->digest && i < 8; i++)
        member = g_hash_table_lookup(import->members, member->target);
    if (member && member->digest)
        return member;
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                    "the archive lacks \"%.200s\", which its manifest.json names", name);
    return NULL;
}

static bool take_docker_image(BerthImport *import, const char *config, char **tags, char **layers,
                              GError **error) {
    DockerImage *image = g_new0(DockerImage, 1);

    image->import = import;
    image->layers = g_ptr_array_new();
    image->tags = g_strdupv(tags);
    g_ptr_array_add(import->docker, image);
    if (!(image->config = find_member(import, config, error)))
        return false;
    for (char **layer = layers; *layer; layer++) {
        const BerthImportMember *member = find_member(import, *layer, error);
        if (!member)
            return false;
        g_ptr_array_add(image->layers, (gpointer)member);
    }
    return true;
}

static bool read_docker(BerthImport *import, sd_bus_message *reply, GError **error) {
    const char *config;
    int r = sd_bus_message_enter_container(reply, 'a', "(sasas)");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sasas")) > 0) {
        g_auto(GStrv) tags = NULL, layers = NULL;
        if (import->docker->len >= BERTH_REPLY_MAX_LIST ||
            !berth_reply_read_string(reply, BERTH_REPLY_MAX_NAME, &config) ||
            !berth_reply_read_strings(reply, &tags) || !berth_reply_read_strings(reply, &layers) ||
            sd_bus_message_exit_container(reply) < 0)
            return berth_reply_set_malformed("inspect", error);
        if (!take_docker_image(import, config, tags, layers, error))
            return false;
    }
    return r >= 0 || berth_reply_set_malformed("inspect", error);
}

static void on_docker(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImport *import = userdata;
    g_autoptr(GError) local = NULL;

    if (error || !read_docker(import, reply, &local))
        berth_import_end(import, error ? error : local);
    else
        write_next_docker(import);
}

static bool read_layout(BerthImport *import, sd_bus_message *reply) {
    int r = sd_bus_message_enter_container(reply, 'a', "((sst)s)");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "(sst)s")) > 0) {
        g_autoptr(BerthDescriptor) target = NULL;
        const char *name;
        if (import->found->len >= BERTH_REPLY_MAX_LIST ||
            berth_reply_read_descriptor(reply, &target) <= 0 ||
            !berth_reply_read_string(reply, BERTH_REPLY_MAX_NAME, &name) ||
            sd_bus_message_exit_container(reply) < 0)
            return false;
        add_found(import, target, name);
    }
    return r >= 0;
}

static void on_layout(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthImport *import = userdata;
    g_autoptr(GError) local = NULL;

    if (error)
        berth_import_end(import, error);
    else if (read_layout(import, reply))
        start_checking(import);
    else if (!berth_reply_set_malformed("inspect", &local))
        berth_import_end(import, local);
}

static void on_rootfs_config(const char *digest, uint64_t size, const GError *error,
                             void *userdata) {
    BerthImport *import = userdata;
    DockerImage *image = g_new0(DockerImage, 1);
    BerthImportMember *config = g_new0(BerthImportMember, 1);

    import->storing = NULL;
    image->import = import;
    image->layers = g_ptr_array_new();
    image->tags = g_new0(char *, 1);
    g_ptr_array_add(import->docker, image);
    config->digest = g_strdup(digest);
    config->size = size;
    g_hash_table_replace(import->members, g_strdup("config"), config);
    if (berth_operation_has_ended(import->operation))
        return;
    if (error) {
        berth_import_end(import, error);
        return;
    }
    berth_import_pin(import, digest);
    image->config = config;
    g_ptr_array_add(image->layers, g_hash_table_lookup(import->members, "rootfs"));
    write_next_docker(import);
}

static char *format_rootfs_config(BerthImport *import, const char *diff_id) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *created = g_date_time_format_iso8601(now);
    const struct {
        const char *member, *value;
    } texts[] = {
        {"created", created},
        {"architecture", import->platform->architecture},
        {"os", import->platform->os},
        {"variant", import->platform->variant},
    };

    json_builder_begin_object(builder);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value[0]) {
            json_builder_set_member_name(builder, texts[i].member);
            json_builder_add_string_value(builder, texts[i].value);
        }
    json_builder_set_member_name(builder, "config");
    json_builder_begin_object(builder);
    if (import->command && import->command[0]) {
        json_builder_set_member_name(builder, "Cmd");
        json_builder_begin_array(builder);
        for (char **word = import->command; *word; word++)
            json_builder_add_string_value(builder, *word);
        json_builder_end_array(builder);
    }
    json_builder_end_object(builder);
    json_builder_set_member_name(builder, "rootfs");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "type");
    json_builder_add_string_value(builder, "layers");
    json_builder_set_member_name(builder, "diff_ids");
    json_builder_begin_array(builder);
    json_builder_add_string_value(builder, diff_id);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

static void name_rootfs(BerthImport *import) {
    const BerthImportMember *layer = g_hash_table_lookup(import->members, "rootfs");

    if (!layer) {
        fail(import, BERTH_ERROR_INVALID_ARGUMENT, "the root file system is empty");
        return;
    }
    /* It is stored uncompressed: its digest is its diff ID. */
    g_autofree char *text = format_rootfs_config(import, layer->digest);
    import->storing =
        berth_contents_store_text(import->images->contents, text, on_rootfs_config, import);
}

void berth_import_name_images(BerthImport *import) {
    if (import->rootfs)
        name_rootfs(import);
    else if (import->documents[IMPORT_LAYOUT] >= 0)
        berth_call_inspect_layout(import->inspect, import->documents[IMPORT_LAYOUT], on_layout,
                                  import);
    else if (import->documents[IMPORT_DOCKER] >= 0)
        berth_call_inspect_docker_archive(import->inspect, import->documents[IMPORT_DOCKER],
                                          on_docker, import);
    else
        fail(import, BERTH_ERROR_INVALID_ARGUMENT,
             "this is no image archive: it has neither index.json nor manifest.json");
}
