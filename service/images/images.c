/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Image names, and the content that they refer to. BerthImages is a plain record that berthd
 * creates at its start and owns; names are recorded in berth.db, and nothing is kept in memory.
 *
 * A change is made in this order: checks, one transaction, index.json, the observer (which sends
 * the signals). Only the transaction counts: index.json is a copy for other tools and is written
 * again at the next change.
 */

#include "images/images.h"

#include "base/charge.h"
#include "base/digest.h"
#include "base/document-members.h"
#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/names.h"
#include "store/provenance.h"

#include <errno.h>
#include <string.h>

static void append_index_entry(json_object *manifests, const BerthImage *image) {
    json_object *entry = berth_document_append_object(manifests);

    berth_document_add_descriptor(entry, image->target->media_type, image->target->digest,
                                  image->target->size);
    berth_document_add_string(berth_document_add_object(entry, "annotations"),
                              "org.opencontainers.image.ref.name", image->name);
}

static char *images_format_index(GPtrArray *list) {
    g_autoptr(json_object) root = json_object_new_object();

    berth_document_add_int(root, "schemaVersion", 2);
    json_object *manifests = berth_document_add_array(root, "manifests");
    for (guint i = 0; i < list->len; i++)
        append_index_entry(manifests, list->pdata[i]);
    return berth_document_print(root, false);
}

/* Writes the layout's index.json (OCI image-layout.md), which lets other tools read the content
 * store. berth.db is authoritative: a failure here is logged, and the change itself has
 * succeeded. */
static void images_write_index(BerthImages *images) {
    g_autoptr(GPtrArray) list = berth_image_store_list(images->database, NULL);

    if (!list)
        return;
    g_autofree char *text = images_format_index(list);
    if (!berth_fd_replace(images->content_directory, "index.json", text, strlen(text), 0644))
        berth_log_warning(NULL, NULL, "Cannot write the layout's index.json: %s",
                          g_strerror(errno));
}

static void images_report(BerthImages *images, const char *name, const BerthDescriptor *target,
                          BerthImageChange change, unsigned what) {
    static const char *const words[] = {"added", "updated", "removed"};

    berth_log(LOG_INFO, BERTH_MESSAGE_IMAGE_CHANGED, "BERTH_IMAGE", name, "Image %s %s", name,
              words[change]);
    if (images->observer)
        images->observer(name, target, change, what, images->observer_userdata);
}

/* Checks a name and records it. The caller reports it once that is certain to stay. */
static bool images_record(BerthImages *images, const char *name, const BerthDescriptor *target,
                          char *const *labels, uint32_t owner, BerthDescriptor **before,
                          GError **error) {
    if (!berth_name_check_image(name, error) ||
        !berth_name_check_media_type(target->media_type, error) ||
        !berth_digest_parse(target->digest, NULL, error))
        return false;
    /* Content that this owner does not hold counts as missing, so that its presence is not
     * disclosed (store/provenance.h). */
    if (!berth_content_store_has(berth_contents_get_store(images->contents), target->digest) ||
        !berth_provenance_may_name(images->database, owner, target->digest))
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               "content %s is not here; fetch or ingest it before naming it",
                               target->digest);
    g_autoptr(BerthImage) present = berth_image_store_get(images->database, name, NULL);
    /* A name that already exists is not counted again: changing its target does not add a name. */
    if (!present &&
        !berth_charge_check(owner, BERTH_RESOURCE_IMAGES,
                            berth_provenance_count_images(images->database, owner), 1, error))
        return false;
    return berth_image_store_put(images->database, name, target, labels, owner, before, error);
}

static void images_report_put(BerthImages *images, const char *name, const BerthDescriptor *target,
                              const BerthDescriptor *before, bool has_labels) {
    bool is_same = before && g_str_equal(before->digest, target->digest);

    images_report(images, name, target, before ? BERTH_IMAGE_UPDATED : BERTH_IMAGE_ADDED,
                  (is_same ? 0 : BERTH_IMAGE_RETARGETED) |
                      (has_labels ? BERTH_IMAGE_RELABELED : 0));
}

bool berth_images_put(BerthImages *images, const char *name, const BerthDescriptor *target,
                      char *const *labels, uint32_t owner, BerthDescriptor **before,
                      GError **error) {
    if (!images_record(images, name, target, labels, owner, before, error))
        return false;
    images_write_index(images);
    images_report_put(images, name, target, *before, labels != NULL);
    return true;
}

static void free_target(gpointer data) {
    berth_descriptor_free(data);
}

/* As for deletions: one transaction, one update of index.json, and then the observer. */
bool berth_images_put_many(BerthImages *images, const BerthImagePut *puts, size_t count,
                           const char *base, uint32_t owner, GError **error) {
    g_autoptr(GPtrArray) before = g_ptr_array_new_with_free_func(free_target);
    bool done = true;

    if (!berth_database_begin(images->database, error))
        return false;
    for (size_t i = 0; done && i < count; i++) {
        BerthDescriptor *earlier = NULL;
        done = images_record(images, puts[i].name, puts[i].target, NULL, owner, &earlier, error) &&
               (!base || berth_provenance_vouch_as(images->database, puts[i].name, base, error));
        g_ptr_array_add(before, earlier);
    }
    if (!berth_database_end(images->database, done, done ? error : NULL) || !done)
        return false;
    if (count > 0)
        images_write_index(images);
    for (size_t i = 0; i < count; i++)
        images_report_put(images, puts[i].name, puts[i].target, before->pdata[i], false);
    return true;
}

bool berth_images_delete(BerthImages *images, const char *name, BerthDescriptor **before,
                         GError **error) {
    if (!berth_image_store_delete(images->database, name, before, error))
        return false;
    images_write_index(images);
    images_report(images, name, *before, BERTH_IMAGE_REMOVED, 0);
    return true;
}

/* In one transaction, and with a single update of index.json; observers are called only for
 * committed deletions. */
bool berth_images_delete_many(BerthImages *images, char *const *names, GPtrArray **deleted,
                              GError **error) {
    g_autoptr(GPtrArray) gone = g_ptr_array_new();
    g_autoptr(GPtrArray) targets =
        g_ptr_array_new_with_free_func((GDestroyNotify)berth_descriptor_free);
    bool done = true;

    if (!berth_database_begin(images->database, error))
        return false;
    for (; done && *names; names++) {
        g_autoptr(GError) local = NULL;
        BerthDescriptor *before = NULL;
        if (berth_image_store_delete(images->database, *names, &before, &local)) {
            g_ptr_array_add(gone, *names);
            g_ptr_array_add(targets, before);
        } else if (!g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&local));
            done = false;
        }
    }
    if (!berth_database_end(images->database, done, done ? error : NULL) || !done)
        return false;
    if (gone->len > 0)
        images_write_index(images);
    for (guint i = 0; i < gone->len; i++)
        images_report(images, gone->pdata[i], targets->pdata[i], BERTH_IMAGE_REMOVED, 0);
    *deleted = g_steal_pointer(&gone);
    return true;
}

bool berth_images_rename(BerthImages *images, const char *name, const char *new_name,
                         GError **error) {
    g_autoptr(BerthImage) image = berth_image_store_get(images->database, name, error);
    g_autoptr(BerthImage) replaced = berth_image_store_get(images->database, new_name, NULL);

    if (!image || !berth_name_check_image(new_name, error))
        return false;
    if (g_str_equal(name, new_name))
        return true;
    if (!berth_image_store_rename(images->database, name, new_name, error))
        return false;
    images_write_index(images);
    images_report(images, name, image->target, BERTH_IMAGE_REMOVED, 0);
    images_report(images, new_name, image->target,
                  replaced ? BERTH_IMAGE_UPDATED : BERTH_IMAGE_ADDED,
                  BERTH_IMAGE_RETARGETED | BERTH_IMAGE_RELABELED);
    return true;
}

static bool add_child(BerthImages *images, const char *parent, const BerthDescriptor *child,
                      GError **error) {
    BerthContentStore *store = berth_contents_get_store(images->contents);

    return berth_image_store_add_child(images->database, parent, child->digest, error) &&
           berth_content_store_set_type(store, child->digest, child->media_type, error);
}

/* A berth-inspect that was taken over by one document must not add children to another one, which
 * may be of a user's image: they would be kept, and reached through it. */
static bool check_children(BerthImages *images, const char *parent, const BerthDocument *document,
                           GError **error) {
    size_t size;
    berth_autofd int blob =
        berth_content_store_open_blob(berth_contents_get_store(images->contents), parent, error);
    g_autofree char *text =
        blob < 0 ? NULL : berth_fd_read_whole(blob, BERTH_MAX_DOCUMENT_BYTES, &size, error);

    return text && berth_document_is_in_text(document, text, size, error);
}

/* In one transaction: a collection must never see only some of a document's references. Media types
 * are recorded as well, since a blob itself does not show its type. */
bool berth_images_record_children(BerthImages *images, const char *parent,
                                  const BerthDocument *document, GError **error) {
    BerthDatabase *database = images->database;
    bool done = true;

    if (!check_children(images, parent, document, error) || !berth_database_begin(database, error))
        return false;
    if (document->config)
        done = add_child(images, parent, document->config, error);
    for (guint i = 0; done && i < document->layers->len; i++)
        done = add_child(images, parent, document->layers->pdata[i], error);
    for (guint i = 0; done && i < document->entries->len; i++)
        done = add_child(images, parent,
                         ((BerthIndexedManifest *)document->entries->pdata[i])->descriptor, error);
    done = done && berth_image_store_add_document(database, parent, document->is_index, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}
