/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the documents of an image that is here: from its target to its configuration. */

#include "base/cancel.h"
#include "base/fd.h"
#include "images/images.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

enum { MAX_NESTING = 4 };

typedef struct {
    BerthImages *images;
    BerthWorker *inspect;
    BerthPlatform *platform;
    char *name;                      /* of the image, which has to reach what is read */
    char *key_digest, *key_platform; /* under which the result is remembered */
    BerthDescriptor *current;
    char *manifest_digest;
    unsigned depth;
    BerthImageRead done;
    BerthImageText text_done;
    BerthImageDocument document; /* that text_done is told */
    void *userdata;
} Reading;

static void read_document(Reading *reading);

static void finish(Reading *reading, const BerthImageInfo *info, const char *text,
                   const GError *error) {
    berth_cancel_forget(reading);
    if (reading->text_done)
        reading->text_done(text, error, reading->userdata);
    else
        reading->done(info, error, reading->userdata);
    reading->images->busy--;
    berth_worker_free(reading->inspect);
    berth_platform_free(reading->platform);
    berth_descriptor_free(reading->current);
    g_free(reading->name);
    g_free(reading->key_digest);
    g_free(reading->key_platform);
    g_free(reading->manifest_digest);
    g_free(reading);
}

static void on_config(sd_bus_message *reply, const GError *error, void *userdata) {
    Reading *reading = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;
    const char *text = NULL;

    if (!local && reading->text_done) {
        finish(reading, NULL, berth_reply_read_text(reply, &text, &local) ? text : NULL, local);
        return;
    }
    g_autoptr(BerthImageInfo) info =
        local ? NULL
              : berth_image_info_read_reply(reply, reading->manifest_digest,
                                            reading->current->digest, &local);
    if (info && !berth_images_remember_info(reading->images, reading->key_digest,
                                            reading->key_platform, info, &local))
        g_clear_pointer(&info, berth_image_info_free);
    finish(reading, info, NULL, local);
}

static int open_current(Reading *reading, GError **error) {
    if (!berth_provenance_reaches(reading->images->database, reading->name,
                                  reading->current->digest)) {
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "content %s is not here",
                        reading->current->digest);
        return -1;
    }
    return berth_content_store_open_blob(berth_contents_get_store(reading->images->contents),
                                         reading->current->digest, error);
}

/* The present document as text, or as what running the image takes from it. */
static void read_config(Reading *reading) {
    g_autoptr(GError) error = NULL;
    berth_autofd int blob = open_current(reading, &error);

    if (blob < 0) {
        finish(reading, NULL, NULL, error);
        return;
    }
    if (reading->text_done)
        berth_call_inspect_text(reading->inspect, blob, on_config, reading);
    else
        berth_call_inspect_config(reading->inspect, blob, on_config, reading);
}

static void on_document(sd_bus_message *reply, const GError *error, void *userdata) {
    Reading *reading = userdata;
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
        finish(reading, NULL, NULL, local);
        return;
    }
    if (!document->is_index && reading->text_done && reading->document == BERTH_IMAGE_MANIFEST) {
        read_config(reading);
        return;
    }
    if (!document->is_index)
        reading->manifest_digest = g_strdup(reading->current->digest);
    berth_descriptor_free(reading->current);
    reading->current = berth_descriptor_copy(next);
    if (document->is_index)
        read_document(reading);
    else
        read_config(reading);
}

static void read_document(Reading *reading) {
    g_autoptr(GError) error = NULL;
    berth_autofd int blob = -1;

    if (reading->depth++ >= MAX_NESTING)
        berth_error_set(&error, BERTH_ERROR_LIMIT_EXCEEDED, "the index is nested too deep");
    else
        blob = open_current(reading, &error);
    if (blob < 0) {
        finish(reading, NULL, NULL, error);
        return;
    }
    berth_call_inspect_manifest(reading->inspect, blob, reading->current->media_type, on_document,
                                reading);
}

static void cancel_reading(void *reading, const GError *error) {
    finish(reading, NULL, NULL, error);
}

static void start(BerthImages *images, const char *name, const BerthDescriptor *target,
                  const char *platform, BerthImageRead done, BerthImageText text_done,
                  BerthImageDocument document, void *userdata) {
    g_autoptr(GError) error = NULL;
    Reading *reading = g_new0(Reading, 1);

    reading->images = images;
    reading->done = done;
    reading->text_done = text_done;
    reading->document = document;
    reading->userdata = userdata;
    reading->name = g_strdup(name);
    reading->key_digest = g_strdup(target->digest);
    reading->key_platform = g_strdup(platform ? platform : "");
    reading->current = berth_descriptor_copy(target);
    images->busy++;
    berth_cancel_register(reading, cancel_reading, userdata, NULL);
    reading->platform = berth_platform_parse(platform, &error);
    if (reading->platform)
        reading->inspect = berth_worker_new(images->event, "inspect", -1, &error);
    if (!reading->inspect)
        finish(reading, NULL, NULL, error);
    else if (text_done && document == BERTH_IMAGE_INDEX)
        read_config(reading);
    else
        read_document(reading);
}

bool berth_images_remember_info(BerthImages *images, const char *digest, const char *platform,
                                const BerthImageInfo *info, GError **error) {
    g_autofree char *text = berth_image_info_format(info);

    return berth_image_store_set_info(images->database, digest, platform ? platform : "", text,
                                      error);
}

void berth_images_read_info(BerthImages *images, const char *name, const BerthDescriptor *target,
                            const char *platform, BerthImageRead done, void *userdata) {
    g_autofree char *text =
        berth_image_store_get_info(images->database, target->digest, platform ? platform : "");
    g_autoptr(BerthImageInfo) info = text ? berth_image_info_parse(text) : NULL;

    /* One that an earlier version remembered without its health check is read again. */
    if (info && info->health &&
        berth_provenance_reaches(images->database, name, info->manifest_digest) &&
        berth_provenance_reaches(images->database, name, info->config_digest))
        done(info, NULL, userdata);
    else
        start(images, name, target, platform, done, NULL, BERTH_IMAGE_CONFIG, userdata);
}

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
    start(images, name, target, platform, NULL, done, document, userdata);
}
