/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "images/export.h"

#include "base/fd.h"
#include "images/closure.h"
#include "images/refetch.h"
#include "worker/calls.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <string.h>

typedef struct {
    char *name;
    BerthDescriptor *target;
    GPtrArray *items; /* of BerthClosureItem */
} Image;

typedef struct {
    BerthImages *images;
    BerthTransfer *transfer;
    BerthPlatform *platform; /* that was asked for, or NULL */
    BerthPlatform *machine;
    BerthWorker *archive;
    BerthClosure *closure;
    BerthRefetch *refetch; /* of layers that were dropped once unpacked */
    bool refetched;        /* those of the present image */
    GPtrArray *names;      /* of Image */
    guint next;            /* image to collect */
    GPtrArray *todo;       /* of BerthClosureItem to write, each once */
    guint written;
    bool pinned; /* those of todo */
    int content; /* shares its position with the worker's */
    BerthTransferItem *item;
    bool ended;
    GError *error;
} Export;

static void collect_next(Export *export);
static void write_next(Export *export);

static void free_image(gpointer data) {
    Image *image = data;

    berth_descriptor_free(image->target);
    g_clear_pointer(&image->items, g_ptr_array_unref);
    g_free(image->name);
    g_free(image);
}

static void pin_all(Export *export, bool pin) {
    for (guint i = 0; i < export->todo->len; i++) {
        const BerthClosureItem *item = export->todo->pdata[i];
        if (pin)
            berth_contents_pin(export->images->contents, item->descriptor->digest);
        else
            berth_contents_unpin(export->images->contents, item->descriptor->digest);
    }
}

static void free_export(Export *export) {
    if (export->item)
        export->item->poll = NULL;
    berth_worker_free(export->archive);
    berth_closure_free(export->closure);
    berth_refetch_forget(export->refetch);
    if (export->pinned)
        pin_all(export, false);
    g_ptr_array_unref(export->todo);
    g_ptr_array_unref(export->names);
    berth_platform_free(export->platform);
    berth_platform_free(export->machine);
    berth_fd_clear(&export->content);
    g_clear_error(&export->error);
    g_free(export);
}

static int on_end(sd_event_source *source, void *userdata) {
    Export *export = userdata;
    BerthTransfer *transfer = export->transfer;
    GError *error = g_steal_pointer(&export->error);

    sd_event_source_unref(source);
    free_export(export);
    berth_transfer_finish(transfer, error);
    return 0;
}

static void end(Export *export, const GError *error) {
    sd_event_source *source;

    if (export->ended)
        return;
    export->ended = true;
    export->error = error ? g_error_copy(error) : NULL;
    if (sd_event_add_defer(export->images->event, &source, on_end, export) < 0)
        g_error("out of memory");
}

static void on_cancel(void *userdata) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_CANCELLED, "the export was cancelled");
    end(userdata, error);
}

static void begin_object(JsonBuilder *builder, const BerthDescriptor *descriptor) {
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "mediaType");
    json_builder_add_string_value(builder, descriptor->media_type);
    json_builder_set_member_name(builder, "digest");
    json_builder_add_string_value(builder, descriptor->digest);
    json_builder_set_member_name(builder, "size");
    json_builder_add_int_value(builder, (gint64)descriptor->size);
}

static char *finish_text(JsonBuilder *builder) {
    g_autoptr(JsonNode) root = json_builder_get_root(builder);

    return json_to_string(root, FALSE);
}

/* The annotation is the whole name, as podman writes it; containerd's and docker's beside it. */
static char *format_index(Export *export) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "schemaVersion");
    json_builder_add_int_value(builder, 2);
    json_builder_set_member_name(builder, "mediaType");
    json_builder_add_string_value(builder, BERTH_MEDIA_OCI_INDEX);
    json_builder_set_member_name(builder, "manifests");
    json_builder_begin_array(builder);
    for (guint i = 0; i < export->names->len; i++) {
        const Image *image = export->names->pdata[i];
        begin_object(builder, image->target);
        json_builder_set_member_name(builder, "annotations");
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "io.containerd.image.name");
        json_builder_add_string_value(builder, image->name);
        json_builder_set_member_name(builder, "org.opencontainers.image.ref.name");
        json_builder_add_string_value(builder, image->name);
        json_builder_end_object(builder);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return finish_text(builder);
}

/* The manifest that docker, which knows no indexes in its archives, would load. */
static const BerthDocument *find_manifest(Export *export, const Image *image) {
    const BerthClosureItem *item = berth_closure_find(image->items, image->target->digest);

    for (int depth = 0; depth < 4 && item && item->document && item->document->is_index; depth++) {
        const BerthDescriptor *chosen =
            berth_document_choose(item->document, export->machine, NULL);
        item = chosen ? berth_closure_find(image->items, chosen->digest) : NULL;
    }
    return item ? item->document : NULL;
}

static char *path_of(const char *digest) {
    g_autofree char *name = g_strdelimit(g_strdup(digest), ":", '/');

    return g_strconcat("blobs/", name, NULL);
}

static void add_path(JsonBuilder *builder, const char *digest) {
    g_autofree char *path = path_of(digest);

    json_builder_add_string_value(builder, path);
}

static char *format_docker(Export *export) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_array(builder);
    for (guint i = 0; i < export->names->len; i++) {
        const Image *image = export->names->pdata[i];
        const BerthDocument *manifest = find_manifest(export, image);
        if (!manifest || !manifest->config ||
            berth_media_type_get_kind(manifest->config->media_type) != BERTH_KIND_CONFIG)
            continue;
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "Config");
        add_path(builder, manifest->config->digest);
        json_builder_set_member_name(builder, "RepoTags");
        json_builder_begin_array(builder);
        if (!strchr(image->name, '@'))
            json_builder_add_string_value(builder, image->name);
        json_builder_end_array(builder);
        json_builder_set_member_name(builder, "Layers");
        json_builder_begin_array(builder);
        for (guint k = 0; k < manifest->layers->len; k++)
            add_path(builder, ((BerthDescriptor *)manifest->layers->pdata[k])->digest);
        json_builder_end_array(builder);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    return finish_text(builder);
}

static void send_add(Export *export, const char *name, uint64_t size, int content,
                     BerthWorkerReply reply) {
    berth_call_archive_add(export->archive, name, size, content, reply, export);
}

static bool send_text(Export *export, const char *name, const char *text, BerthWorkerReply reply,
                      GError **error) {
    berth_autofd int fd = berth_fd_new_in_memory(text, strlen(text), error);

    if (fd < 0)
        return false;
    send_add(export, name, strlen(text), fd, reply);
    return true;
}

static void on_finished(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    (void)reply;
    for (guint i = 0; i < export->names->len; i++)
        g_ptr_array_add(names, g_strdup(((Image *)export->names->pdata[i])->name));
    g_ptr_array_add(names, NULL);
    export->transfer->names = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
    end(export, error);
}

static void on_documents(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;

    (void)reply;
    if (error)
        end(export, error);
    else
        berth_call_archive_finish(export->archive, on_finished, export);
}

static void on_index(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;
    g_autofree char *text = error ? NULL : format_docker(export);
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)reply;
    if (local || !send_text(export, "manifest.json", text, on_documents, &local))
        end(export, local);
}

static void write_documents(Export *export) {
    g_autofree char *text = format_index(export);
    g_autoptr(GError) error = NULL;

    if (!send_text(export, "index.json", text, on_index, &error))
        end(export, error);
}

static void on_written(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;

    (void)reply;
    export->item->poll = NULL;
    export->item->done = export->item->total;
    export->item->phase = "done";
    export->item = NULL;
    berth_fd_clear(&export->content);
    if (error) {
        end(export, error);
        return;
    }
    export->written++;
    write_next(export);
}

static void write_next(Export *export) {
    BerthContentStore *store = berth_contents_get_store(export->images->contents);
    g_autoptr(GError) error = NULL;

    if (export->ended)
        return;
    if (export->written >= export->todo->len) {
        write_documents(export);
        return;
    }
    const BerthDescriptor *descriptor =
        ((BerthClosureItem *)export->todo->pdata[export->written])->descriptor;
    g_auto(BerthBlob) blob = {0};
    export->content = berth_content_store_open_blob(store, descriptor->digest, &error);
    if (export->content < 0 ||
        !berth_content_store_info(store, descriptor->digest, &blob, &error)) {
        end(export, error);
        return;
    }
    export->item =
        berth_transfer_add_item(export->transfer, descriptor->digest, "writing", descriptor->size);
    berth_transfer_item_watch_position(export->item, &export->content);
    g_autofree char *path = path_of(descriptor->digest);
    send_add(export, path, blob.size, export->content, on_written);
}

static void on_begun(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;

    (void)reply;
    if (error)
        end(export, error);
    else
        write_next(export);
}

static void start_writing(Export *export) {
    g_autoptr(GError) error = NULL;

    pin_all(export, true);
    export->pinned = true;
    if (!send_text(export, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", on_begun, &error))
        end(export, error);
}

/* What is not here of an index for other platforms is left out, as it was when it was pulled. */
static bool take_items(Export *export, Image *image, GError **error) {
    const BerthClosureItem *last = image->items->pdata[image->items->len - 1];
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    berth_descriptor_free(image->target);
    image->target = berth_descriptor_copy(last->descriptor);
    const BerthDocument *manifest = find_manifest(export, image);
    if (!manifest && !export->platform)
        return berth_closure_check(image->items, image->name, error);
    if (export->platform && !berth_closure_check(image->items, image->name, error))
        return false;
    for (guint i = 0; manifest && i < manifest->layers->len; i++) {
        const BerthDescriptor *layer = manifest->layers->pdata[i];
        const BerthClosureItem *item = berth_closure_find(image->items, layer->digest);
        if (item && item->missing)
            return berth_closure_check(image->items, image->name, error);
    }
    for (guint i = 0; i < export->todo->len; i++)
        g_hash_table_add(seen, ((BerthClosureItem *)export->todo->pdata[i])->descriptor->digest);
    for (guint i = 0; i < image->items->len; i++) {
        BerthClosureItem *item = image->items->pdata[i];
        if (!item->missing && g_hash_table_add(seen, item->descriptor->digest))
            g_ptr_array_add(export->todo, item);
    }
    return true;
}

static void on_refetched(GPtrArray *missing, const GError *error, void *userdata) {
    Export *export = userdata;

    (void)missing;
    export->refetch = NULL;
    if (error)
        end(export, error);
    else if (!export->ended)
        collect_next(export);
}

/* Layers of what is to be written, from where they came; once an image. */
static bool fetch_missing(Export *export, GPtrArray *items) {
    const Image *image = export->names->pdata[export->next];
    g_autoptr(GPtrArray) missing = berth_closure_list_missing(export->images, image->name, items);

    if (export->refetched || missing->len == 0)
        return false;
    export->refetched = true;
    export->refetch = berth_images_refetch(export->images, missing, export->transfer->owner,
                                           on_refetched, export);
    return true;
}

static void on_collected(GPtrArray *items, const GError *error, void *userdata) {
    Export *export = userdata;
    Image *image = export->names->pdata[export->next];
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    export->closure = NULL;
    if (!local && fetch_missing(export, items))
        return;
    if (!local) {
        image->items = g_ptr_array_ref(items);
        take_items(export, image, &local);
    }
    if (local) {
        end(export, local);
        return;
    }
    export->next++;
    export->refetched = false;
    collect_next(export);
}

static void collect_next(Export *export) {
    g_autoptr(GError) error = NULL;

    if (export->next >= export->names->len) {
        start_writing(export);
        return;
    }
    Image *image = export->names->pdata[export->next];
    const BerthClosureScope scope = {.name = image->name};
    export->closure = berth_closure_collect(export->images, image->target, export->platform, &scope,
                                            on_collected, export, &error);
    if (!export->closure)
        end(export, error);
}

static void on_created(sd_bus_message *reply, const GError *error, void *userdata) {
    (void)reply;
    if (error)
        end(userdata, error);
    else
        collect_next(userdata);
}

static bool find_images(Export *export, char *const *names, GError **error) {
    for (char *const *name = names; *name; name++) {
        g_autoptr(BerthImage) found = berth_image_store_get(export->images->database, *name, error);
        if (!found)
            return false;
        Image *image = g_new0(Image, 1);
        image->name = g_strdup(*name);
        image->target = berth_descriptor_copy(found->target);
        g_ptr_array_add(export->names, image);
    }
    return export->names->len > 0 ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "no image was named");
}

BerthTransfer *berth_export_start(BerthImages *images, const BerthExportRequest *request,
                                  GError **error) {
    Export *export = g_new0(Export, 1);
    g_autofree char *joined = g_strjoinv(" ", (char **)request->names);

    export->images = images;
    export->content = -1;
    export->names = g_ptr_array_new_with_free_func(free_image);
    export->todo = g_ptr_array_new();
    if (!find_images(export, request->names, error) ||
        (request->platform &&
         !(export->platform = berth_platform_parse(request->platform, error))) ||
        !(export->machine = berth_platform_parse(request->platform, error)) ||
        !(export->archive =
              berth_worker_new_for_user(images->event, "archive", -1, request->owner, error)) ||
        !(export->transfer =
              berth_transfers_add(images->transfers, "export", joined, request->owner, error))) {
        free_export(export);
        return NULL;
    }
    export->transfer->cancel = on_cancel;
    export->transfer->cancel_userdata = export;
    berth_call_archive_create(export->archive, request->output, on_created, export);
    return export->transfer;
}
