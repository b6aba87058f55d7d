/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An export first gathers the images, one after the other, and then writes: berth-archive appends
 * one member after the other to the caller's descriptor, blobs first, and the documents that list
 * them last. The object is owned by the transfer's operation.
 */

#include "images/export.h"

#include "base/fd.h"
#include "images/export-documents.h"
#include "images/gathering.h"
#include "worker/calls.h"

#include <string.h>

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthTransfer *transfer;
    BerthPlatform *platform; /* as requested, or NULL */
    BerthPlatform *machine;
    BerthWorker *archive;
    BerthGathering *gathering; /* of the current image, while pending */
    GPtrArray *names;          /* of ExportedImage */
    guint next;                /* index of the image to gather next */
    GPtrArray *todo;           /* of BerthClosureItem: the items to write, each only once */
    guint written;
    BerthPins *pins; /* of the items in todo */
    int content;     /* shares its offset with the worker's */
    BerthTransferItem *item;
} Export;

static void export_gather_next(Export *export);
static void export_write_next(Export *export);

static void exported_image_free(gpointer data) {
    BerthExportedImage *image = data;

    berth_descriptor_free(image->target);
    g_clear_pointer(&image->items, g_ptr_array_unref);
    g_free(image->name);
    g_free(image);
}

/* The worker is freed before the descriptor that it reads. The items in todo belong to the
 * images. */
static void export_free(void *object) {
    Export *export = object;

    if (export->item)
        export->item->poll = NULL;
    berth_worker_free(export->archive);
    berth_gathering_free(export->gathering);
    berth_pins_free(export->pins);
    g_ptr_array_unref(export->todo);
    g_ptr_array_unref(export->names);
    berth_platform_free(export->platform);
    berth_platform_free(export->machine);
    berth_fd_clear(&export->content);
    g_free(export);
}

/* Appends one member. Only one can be pending at a time, since the archive is a stream. */
static void export_send_add(Export *export, const char *name, uint64_t size, int content,
                            BerthWorkerReply reply) {
    berth_call_archive_add(export->archive, name, size, content, reply, export);
}

/* Appends a document created here, through a file in memory. Returns false with error set on
 * failure; reply is not called in that case. */
static bool export_send_text(Export *export, const char *name, const char *text,
                             BerthWorkerReply reply, GError **error) {
    berth_autofd int fd = berth_fd_new_in_memory(text, strlen(text), error);

    if (fd < 0)
        return false;
    export_send_add(export, name, strlen(text), fd, reply);
    return true;
}

/* Reports the names in the archive, in the order of the request. */
static void export_report(void *object, BerthTransferResult *result) {
    const Export *export = object;
    char **names = result->names = g_new0(char *, export->names->len + 1);

    for (guint i = 0; i < export->names->len; i++)
        names[i] = g_strdup(((const BerthExportedImage *)export->names->pdata[i])->name);
}

static void export_on_finished(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;

    (void)reply;
    berth_operation_end(export->operation, error);
}

/* Both documents have been written. The archive still lacks its end, two blocks of zeros
 * (tar(5)). */
static void export_on_documents(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;

    (void)reply;
    if (error)
        berth_operation_end(export->operation, error);
    else
        berth_call_archive_finish(export->archive, export_on_finished, export);
}

static void export_on_index(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;
    g_autofree char *text =
        error ? NULL : berth_export_format_docker(export->names, export->machine);
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    (void)reply;
    if (!text || !export_send_text(export, "manifest.json", text, export_on_documents, &local))
        berth_operation_end(export->operation, local);
}

static void export_write_documents(Export *export) {
    g_autofree char *text = berth_export_format_index(export->names);
    g_autoptr(GError) error = NULL;

    if (!export_send_text(export, "index.json", text, export_on_index, &error))
        berth_operation_end(export->operation, error);
}

/* The worker has read the blob through its duplicate of the descriptor; this one was only used to
 * show the progress. */
static void export_on_written(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;

    (void)reply;
    export->item->poll = NULL;
    export->item->done = export->item->total;
    export->item->phase = "done";
    export->item = NULL;
    berth_fd_clear(&export->content);
    if (error) {
        berth_operation_end(export->operation, error);
        return;
    }
    export->written++;
    export_write_next(export);
}

/* The size is that of the blob and not that of the descriptor: it is written into the member's
 * header, and has to match the content that follows. */
static void export_write_next(Export *export) {
    BerthContentStore *store = berth_contents_get_store(export->images->contents);
    g_autoptr(GError) error = NULL;

    if (export->written >= export->todo->len) {
        export_write_documents(export);
        return;
    }
    const BerthDescriptor *descriptor =
        ((BerthClosureItem *)export->todo->pdata[export->written])->descriptor;
    g_auto(BerthBlob) blob = {0};
    export->content = berth_content_store_open_blob(store, descriptor->digest, &error);
    if (export->content < 0 ||
        !berth_content_store_info(store, descriptor->digest, &blob, &error)) {
        berth_operation_end(export->operation, error);
        return;
    }
    export->item =
        berth_transfer_add_item(export->transfer, descriptor->digest, "writing", descriptor->size);
    berth_transfer_item_watch_position(export->item, &export->content);
    g_autofree char *path = berth_export_make_path(descriptor->digest);
    export_send_add(export, path, blob.size, export->content, export_on_written);
}

static void export_on_begun(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;

    (void)reply;
    if (error)
        berth_operation_end(export->operation, error);
    else
        export_write_next(export);
}

/* Everything is pinned from here on: no object may be collected between the listing and its turn.
 * The archive begins with oci-layout. */
static void export_start_writing(Export *export) {
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < export->todo->len; i++)
        berth_pins_add(export->pins,
                       ((BerthClosureItem *)export->todo->pdata[i])->descriptor->digest);
    if (!export_send_text(export, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}",
                          export_on_begun, &error))
        berth_operation_end(export->operation, error);
}

/* Takes the items of an image. For other platforms of an index, content that is not stored is left
 * out, as it was in the pull; the image for the requested platform must be complete. */
static bool export_take_items(Export *export, BerthExportedImage *image, GError **error) {
    /* The last item is the target, which differs from the image's own if a platform was chosen. */
    const BerthClosureItem *last = image->items->pdata[image->items->len - 1];
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    berth_descriptor_free(image->target);
    image->target = berth_descriptor_copy(last->descriptor);
    const BerthDocument *manifest = berth_export_find_manifest(image, export->machine);
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

/* The gathering has freed itself. The items are referenced, since todo points to them. */
static void export_on_gathered(GPtrArray *items, const GError *error, void *userdata) {
    Export *export = userdata;
    BerthExportedImage *image = export->names->pdata[export->next];
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    export->gathering = NULL;
    if (!local) {
        image->items = g_ptr_array_ref(items);
        export_take_items(export, image, &local);
    }
    if (local) {
        berth_operation_end(export->operation, local);
        return;
    }
    export->next++;
    export_gather_next(export);
}

static void export_gather_next(Export *export) {
    g_autoptr(GError) error = NULL;

    if (export->next >= export->names->len) {
        export_start_writing(export);
        return;
    }
    const BerthExportedImage *image = export->names->pdata[export->next];
    const BerthGatheringRequest request = {
        .name = image->name,
        .target = image->target,
        .platform = export->platform,
        .owner = export->transfer->owner,
    };
    export->gathering =
        berth_gathering_new(export->images, &request, export_on_gathered, export, &error);
    if (!export->gathering)
        berth_operation_end(export->operation, error);
}

static void export_on_created(sd_bus_message *reply, const GError *error, void *userdata) {
    Export *export = userdata;

    (void)reply;
    if (error)
        berth_operation_end(export->operation, error);
    else
        export_gather_next(export);
}

/* All names are looked up before anything is written: an export with a wrong name fails
 * immediately. */
static bool export_find_images(Export *export, char *const *names, GError **error) {
    for (char *const *name = names; *name; name++) {
        g_autoptr(BerthImage) found = berth_image_store_get(export->images->database, *name, error);
        if (!found)
            return false;
        BerthExportedImage *image = g_new0(BerthExportedImage, 1);
        image->name = g_strdup(*name);
        image->target = berth_descriptor_copy(found->target);
        g_ptr_array_add(export->names, image);
    }
    return export->names->len > 0 ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "no image was given");
}

/* machine is the platform for manifest.json, which needs one even if the layout has all platforms:
 * the requested one, or this machine's. */
BerthTransfer *berth_export_start(BerthImages *images, const BerthExportRequest *request,
                                  GError **error) {
    static const BerthTransferWork work = {.report = export_report, .free = export_free};
    Export *export = g_new0(Export, 1);
    g_autofree char *joined = g_strjoinv(" ", (char **)request->names);

    export->images = images;
    export->content = -1;
    export->pins = berth_pins_new(images->contents);
    export->names = g_ptr_array_new_with_free_func(exported_image_free);
    export->todo = g_ptr_array_new();
    if (!export_find_images(export, request->names, error) ||
        (request->platform &&
         !(export->platform = berth_platform_parse(request->platform, error))) ||
        !(export->machine = berth_platform_parse(request->platform, error)) ||
        !(export->archive =
              berth_worker_new_for_user(images->event, "archive", -1, request->owner, error)) ||
        !(export->transfer =
              berth_transfers_add(images->transfers, "export", joined, request->owner, error))) {
        export_free(export);
        return NULL;
    }
    export->operation = berth_transfer_begin(export->transfer, &work, export);
    berth_call_archive_create(export->archive, request->output, export_on_created, export);
    return export->transfer;
}
