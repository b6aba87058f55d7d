/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the documents of a stored image: from its target, through indexes to the manifest for the
 * platform, and on to its configuration. The result is the information needed to run the image
 * (info), the manifest, or one of the documents as text. The operation owns the object, which
 * reports to the caller.
 */

#include "base/fd.h"
#include "base/operation.h"
#include "images/images.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>
#include <sys/stat.h>

enum { MAX_NESTING = 4 };

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthWorker *inspect;
    BerthPlatform *platform;
    char *name; /* name of the image, which must reach everything that is read */
    char *key_digest, *key_platform; /* key under which the result is stored */
    BerthDescriptor *current;
    char *manifest_digest;
    unsigned depth;
    BerthImageRead done;
    BerthImageManifestRead manifest_done;
    BerthImageText text_done;    /* only one of these three is set */
    BerthImageDocument document; /* for text_done */
    void *userdata;
    /* The result. */
    BerthImageInfo *info;
    BerthDocument *manifest;
    char *text;
    uint64_t text_size; /* of the stored document: a descriptor may claim another size */
} ImageReading;

static void image_reading_read_document(ImageReading *reading);

static void image_reading_report(void *object, const GError *error) {
    const ImageReading *reading = object;

    if (reading->text_done)
        reading->text_done(error ? NULL : reading->text, error, reading->userdata);
    else if (reading->manifest_done)
        reading->manifest_done(error ? NULL : reading->manifest, error, reading->userdata);
    else
        reading->done(error ? NULL : reading->info, error, reading->userdata);
}

static void image_reading_free(void *object) {
    ImageReading *reading = object;

    berth_worker_free(reading->inspect);
    berth_platform_free(reading->platform);
    berth_descriptor_free(reading->current);
    berth_image_info_free(reading->info);
    berth_document_free(reading->manifest);
    g_free(reading->text);
    g_free(reading->name);
    g_free(reading->key_digest);
    g_free(reading->key_platform);
    g_free(reading->manifest_digest);
    g_free(reading);
}

/* The text is copied, since the reply is freed before the operation reports. */
static void image_reading_on_text(sd_bus_message *reply, const GError *error, void *userdata) {
    ImageReading *reading = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    const char *text;

    if (!local && berth_reply_read_stored_text(reply, reading->text_size, &text, &local))
        reading->text = g_strdup(text);
    berth_operation_end(reading->operation, local);
}

/* The result is stored under the digest of the target, which always refers to the same
 * documents. */
static void image_reading_on_config(sd_bus_message *reply, const GError *error, void *userdata) {
    ImageReading *reading = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local)
        reading->info = berth_image_info_read_reply(reply, reading->manifest_digest,
                                                    reading->current->digest, &local);
    if (reading->info)
        berth_images_remember_info(reading->images, reading->key_digest, reading->key_platform,
                                   reading->info, &local);
    berth_operation_end(reading->operation, local);
}

/* The image's name must reach every document: otherwise a user's index could refer to a document of
 * another user, and disclose it. */
static int open_current(ImageReading *reading, GError **error) {
    if (!berth_provenance_reaches(reading->images->database, reading->name,
                                  reading->current->digest)) {
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "content %s is not here",
                        reading->current->digest);
        return -1;
    }
    return berth_content_store_open_blob(berth_contents_get_store(reading->images->contents),
                                         reading->current->digest, error);
}

/* Reads the current document as text, or as a configuration. */
static void image_reading_read_last(ImageReading *reading) {
    g_autoptr(GError) error = NULL;
    berth_autofd int blob = open_current(reading, &error);
    struct stat status;

    if (blob >= 0 && fstat(blob, &status) < 0)
        berth_error_set_errno(&error, errno, "read %s", reading->current->digest);
    if (error) {
        berth_operation_end(reading->operation, error);
        return;
    }
    reading->text_size = (uint64_t)status.st_size;
    if (reading->text_done)
        berth_call_inspect_text(reading->inspect, blob, image_reading_on_text, reading);
    else
        berth_call_inspect_config(reading->inspect, blob, image_reading_on_config, reading);
}

/* One step down: from an index to the chosen entry, from a manifest to its configuration. The walk
 * ends earlier if the manifest itself was requested. */
static void image_reading_on_document(sd_bus_message *reply, const GError *error, void *userdata) {
    ImageReading *reading = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    g_autoptr(BerthDocument) document = local ? NULL : berth_document_read_reply(reply, &local);
    const BerthDescriptor *next = NULL;

    if (document && document->is_index)
        next = berth_document_choose(document, reading->platform, &local);
    else if (document)
        next = document->config;
    if (next && !document->is_index && reading->done &&
        berth_media_type_get_kind(next->media_type) != BERTH_KIND_CONFIG) {
        berth_document_set_artifact_error(document, &local);
        next = NULL;
    }
    if (!next) {
        berth_operation_end(reading->operation, local);
        return;
    }
    if (!document->is_index && reading->manifest_done) {
        reading->manifest = g_steal_pointer(&document);
        berth_operation_end(reading->operation, NULL);
        return;
    }
    if (!document->is_index && reading->text_done && reading->document == BERTH_IMAGE_MANIFEST) {
        image_reading_read_last(reading);
        return;
    }
    if (!document->is_index)
        reading->manifest_digest = g_strdup(reading->current->digest);
    berth_descriptor_free(reading->current);
    reading->current = berth_descriptor_copy(next);
    if (document->is_index)
        image_reading_read_document(reading);
    else
        image_reading_read_last(reading);
}

/* An index can only refer to itself, through others, if digests collide, but indexes may be deeply
 * nested, hence the limit. */
static void image_reading_read_document(ImageReading *reading) {
    g_autoptr(GError) error = NULL;
    berth_autofd int blob = -1;

    if (reading->depth++ >= MAX_NESTING)
        berth_error_set(&error, BERTH_ERROR_LIMIT_EXCEEDED, "the index is nested too deep");
    else
        blob = open_current(reading, &error);
    if (blob < 0) {
        berth_operation_end(reading->operation, error);
        return;
    }
    berth_call_inspect_manifest(reading->inspect, blob, reading->current->media_type,
                                image_reading_on_document, reading);
}

static ImageReading *image_reading_new(BerthImages *images, const char *name,
                                       const BerthDescriptor *target, const char *platform,
                                       void *userdata) {
    static const BerthOperationType type = {.tell = image_reading_report,
                                            .free = image_reading_free};
    ImageReading *reading = g_new0(ImageReading, 1);

    reading->images = images;
    reading->userdata = userdata;
    reading->name = g_strdup(name);
    reading->key_digest = g_strdup(target->digest);
    reading->key_platform = g_strdup(platform ? platform : "");
    reading->current = berth_descriptor_copy(target);
    reading->operation = berth_operation_new(images->event, &type, reading);
    berth_operation_set_caller(reading->operation, userdata, NULL);
    return reading;
}

/* Any failure here is reported through the operation, in a later iteration of the loop. */
static void image_reading_start(ImageReading *reading) {
    g_autoptr(GError) error = NULL;
    const char *platform = reading->key_platform[0] ? reading->key_platform : NULL;

    reading->platform = berth_platform_parse(platform, &error);
    if (reading->platform)
        reading->inspect = berth_worker_new(reading->images->event, "inspect", -1, &error);
    if (!reading->inspect)
        berth_operation_end(reading->operation, error);
    else if (reading->text_done && reading->document == BERTH_IMAGE_INDEX)
        image_reading_read_last(reading);
    else
        image_reading_read_document(reading);
}

bool berth_images_remember_info(BerthImages *images, const char *digest, const char *platform,
                                const BerthImageInfo *info, GError **error) {
    g_autofree char *text = berth_image_info_format(info);

    return berth_image_store_set_info(images->database, digest, platform ? platform : "", text,
                                      error);
}

BerthOperation *berth_images_read_info(BerthImages *images, const char *name,
                                       const BerthDescriptor *target, const char *platform,
                                       BerthImageRead done, void *userdata) {
    ImageReading *reading = image_reading_new(images, name, target, platform, userdata);
    g_autofree char *text =
        berth_image_store_get_info(images->database, target->digest, reading->key_platform);
    g_autoptr(BerthImageInfo) info = text ? berth_image_info_parse(text) : NULL;

    reading->done = done;
    /* A stored result counts only if the name still reaches its documents. Earlier versions stored
     * images without all of their health check; these are read again. */
    if (info && info->health &&
        berth_provenance_reaches(images->database, name, info->manifest_digest) &&
        berth_provenance_reaches(images->database, name, info->config_digest)) {
        reading->info = g_steal_pointer(&info);
        berth_operation_end(reading->operation, NULL);
    } else {
        image_reading_start(reading);
    }
    return reading->operation;
}

/* A configuration may claim any chain; a pull records whether the image's own layers were unpacked
 * to it. */
bool berth_images_check_chain(BerthImages *images, const char *name, const BerthImageInfo *info,
                              GError **error) {
    return (berth_provenance_has_chain(images->database, info->manifest_digest, info->chain_id) &&
            berth_provenance_reaches_children(images->database, name, info->manifest_digest)) ||
           berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                           "the image \"%s\" is not unpacked here; unpack it", name);
}

void berth_images_read_text(BerthImages *images, const char *name, const BerthDescriptor *target,
                            const char *platform, BerthImageDocument document, BerthImageText done,
                            void *userdata) {
    ImageReading *reading = image_reading_new(images, name, target, platform, userdata);

    reading->text_done = done;
    reading->document = document;
    image_reading_start(reading);
}

void berth_images_read_manifest(BerthImages *images, const char *name,
                                const BerthDescriptor *target, BerthImageManifestRead done,
                                void *userdata) {
    ImageReading *reading = image_reading_new(images, name, target, NULL, userdata);

    reading->manifest_done = done;
    image_reading_start(reading);
}
