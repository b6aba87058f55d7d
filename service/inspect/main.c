/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-inspect: reads documents that came from outside, so that berthd does not parse them. It
 * receives descriptors of committed blobs and returns typed values. It has no state: each call is
 * answered before the next one is read. Its replies are not trusted either: berthd checks them
 * again (worker/replies.h).
 */

#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "frame/frame.h"
#include "inspect/append.h"
#include "inspect/archive-index.h"
#include "inspect/inspect.h"
#include "inspect/signature-manifest.h"

#include <stdlib.h>

/* Reads the document, the first argument of a call. Returns like a method handler. */
static int take_document(sd_bus_message *call, char **data, size_t *size, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    berth_autofd int fd = berth_frame_read_fd(call);

    if (fd < 0)
        return fd;
    *data = berth_fd_read_whole(fd, BERTH_MAX_DOCUMENT_BYTES, size, &error);
    return *data ? 0 : berth_bus_error_set(ret_error, error);
}

typedef int (*AppendValue)(sd_bus_message *reply, const void *value);

/* value is what was read from the document; NULL with error. */
static int answer_value(sd_bus_message *call, const void *value, AppendValue append,
                        const GError *error, sd_bus_error *ret_error) {
    g_autoptr(sd_bus_message) reply = NULL;
    int r;

    if (!value)
        return berth_bus_error_set(ret_error, error);
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 || (r = append(reply, value)) < 0)
        return r;
    return sd_bus_send(NULL, reply, NULL);
}

static int append_text(sd_bus_message *reply, const void *text) {
    return sd_bus_message_append(reply, "s", text);
}

/* The bytes are returned with their digest. berthd stores them like fetched ones, under the digest
 * that berth-ingest computes. */
static int append_embedded(sd_bus_message *reply, const GPtrArray *embedded) {
    int r = sd_bus_message_open_container(reply, 'a', "(say)");

    for (guint i = 0; r >= 0 && i < embedded->len; i++) {
        const BerthEmbeddedContent *content = embedded->pdata[i];
        if ((r = sd_bus_message_open_container(reply, 'r', "say")) < 0 ||
            (r = sd_bus_message_append(reply, "s", content->digest)) < 0 ||
            (r = sd_bus_message_append_array(reply, 'y', content->data, content->size)) < 0)
            return r;
        r = sd_bus_message_close_container(reply);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* The signature is the one in base/worker-members.h; the two must change together. */
static int append_manifest(sd_bus_message *reply, const void *value) {
    const BerthManifest *manifest = value;
    int r = sd_bus_message_append(reply, "b", manifest->kind == BERTH_KIND_INDEX);

    if (r < 0 || (r = sd_bus_message_open_container(reply, 'a', "((sst)sssb)")) < 0)
        return r;
    for (guint i = 0; r >= 0 && i < manifest->entries->len; i++) {
        BerthIndexEntry *entry = manifest->entries->pdata[i];
        BerthPlatform *platform = entry->platform;
        r = sd_bus_message_append(reply, "((sst)sssb)", entry->descriptor->media_type,
                                  entry->descriptor->digest, entry->descriptor->size,
                                  platform ? platform->os : "",
                                  platform ? platform->architecture : "",
                                  platform ? platform->variant : "", entry->attestation);
    }
    if (r < 0 || (r = sd_bus_message_close_container(reply)) < 0 ||
        (r = sd_bus_message_open_container(reply, 'a', "(sst)")) < 0)
        return r;
    /* The configuration first, then the layers, lowest first. */
    if (manifest->config)
        r = berth_bus_append_descriptor(reply, manifest->config);
    for (guint i = 0; r >= 0 && i < manifest->layers->len; i++)
        r = berth_bus_append_descriptor(reply, manifest->layers->pdata[i]);
    if (r < 0 || (r = sd_bus_message_close_container(reply)) < 0)
        return r;
    if ((r = append_embedded(reply, manifest->embedded)) < 0 ||
        (r = sd_bus_message_open_container(reply, 'a', "s")) < 0)
        return r;
    for (guint i = 0; r >= 0 && i < manifest->titles->len; i++)
        r = sd_bus_message_append(reply, "s", manifest->titles->pdata[i]);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int method_manifest(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    const char *media_type;
    size_t size;
    int r;

    (void)userdata;
    if ((r = take_document(call, &data, &size, ret_error)) < 0 ||
        (r = sd_bus_message_read(call, "s", &media_type)) < 0)
        return r;
    g_autoptr(BerthManifest) manifest = berth_manifest_read(data, size, media_type, &error);
    return answer_value(call, manifest, append_manifest, error, ret_error);
}

/* The order of the lists is part of the reply's type: all have the same signature, so only the
 * order distinguishes them. */
static int append_config(sd_bus_message *reply, const void *value) {
    const BerthImageConfig *config = value;
    char **const vectors[] = {config->diff_ids,    config->entrypoint, config->command,
                              config->environment, config->volumes,    config->ports,
                              config->labels};
    int r = sd_bus_message_append(reply, "sss", config->platform->os,
                                  config->platform->architecture, config->platform->variant);

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(vectors); i++)
        r = sd_bus_message_append_strv(reply, vectors[i]);
    if (r < 0 || (r = sd_bus_message_append(reply, "sss", config->user, config->working_directory,
                                            config->stop_signal)) < 0)
        return r;
    if ((r = sd_bus_message_append_strv(reply, config->health)) < 0)
        return r;
    return sd_bus_message_append(reply, "t", config->start_interval_nsec);
}

static int method_config(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    size_t size;
    int r = take_document(call, &data, &size, ret_error);

    (void)userdata;
    if (r < 0)
        return r;
    g_autoptr(BerthImageConfig) config = berth_image_config_read(data, size, &error);
    return answer_value(call, config, append_config, error, ret_error);
}

/* Returns the document itself, but only if it can be parsed: berthd passes on nothing but JSON. */
static int method_text(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    size_t size;
    int r = take_document(call, &data, &size, ret_error);

    (void)userdata;
    if (r < 0)
        return r;
    g_autoptr(json_object) root = berth_document_parse(data, size, &error);
    return answer_value(call, root ? data : NULL, append_text, error, ret_error);
}

static int append_layout(sd_bus_message *reply, const void *value) {
    const GPtrArray *entries = value;
    int r = sd_bus_message_open_container(reply, 'a', "((sst)ssss)");

    for (guint i = 0; r >= 0 && i < entries->len; i++) {
        const BerthLayoutEntry *entry = entries->pdata[i];
        const BerthPlatform *platform = entry->platform;
        r = sd_bus_message_append(
            reply, "((sst)ssss)", entry->descriptor->media_type, entry->descriptor->digest,
            entry->descriptor->size, entry->name, platform ? platform->os : "",
            platform ? platform->architecture : "", platform ? platform->variant : "");
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_docker(sd_bus_message *reply, const void *value) {
    const GPtrArray *entries = value;
    int r = sd_bus_message_open_container(reply, 'a', "(sasas)");

    for (guint i = 0; r >= 0 && i < entries->len; i++) {
        const BerthDockerEntry *entry = entries->pdata[i];
        if ((r = sd_bus_message_open_container(reply, 'r', "sasas")) < 0 ||
            (r = sd_bus_message_append(reply, "s", entry->config)) < 0 ||
            (r = sd_bus_message_append_strv(reply, entry->tags)) < 0 ||
            (r = sd_bus_message_append_strv(reply, entry->layers)) < 0)
            return r;
        r = sd_bus_message_close_container(reply);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Answers a call whose only argument is a document, which read converts to a list. */
static int answer_list(sd_bus_message *call,
                       GPtrArray *(*read)(const char *data, size_t size, GError **error),
                       AppendValue append, sd_bus_error *ret_error) {
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    size_t size;
    int r = take_document(call, &data, &size, ret_error);

    if (r < 0)
        return r;
    g_autoptr(GPtrArray) entries = read(data, size, &error);
    return answer_value(call, entries, append, error, ret_error);
}

static int append_signatures(sd_bus_message *reply, const void *value) {
    const GPtrArray *signatures = value;
    int r = sd_bus_message_open_container(reply, 'a', "((sst)s)");

    for (guint i = 0; r >= 0 && i < signatures->len; i++) {
        const BerthSignature *signature = signatures->pdata[i];
        r = sd_bus_message_append(reply, "((sst)s)", signature->payload->media_type,
                                  signature->payload->digest, signature->payload->size,
                                  signature->signature);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int method_signatures(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    (void)userdata;
    return answer_list(call, berth_signatures_read, append_signatures, error);
}

static int method_append_to_config(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthAppendedLayer layer;
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    size_t size;
    int r;

    (void)userdata;
    if ((r = take_document(call, &data, &size, ret_error)) < 0 ||
        (r = sd_bus_message_read(call, "ssss", &layer.diff_id, &layer.created, &layer.author,
                                 &layer.comment)) < 0)
        return r;
    g_autofree char *text = berth_config_append(data, size, &layer, &error);
    return answer_value(call, text, append_text, error, ret_error);
}

static int method_append_to_manifest(sd_bus_message *call, void *userdata,
                                     sd_bus_error *ret_error) {
    g_autoptr(BerthDescriptor) config = NULL, layer = NULL;
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    size_t size;
    int r;

    (void)userdata;
    if ((r = take_document(call, &data, &size, ret_error)) < 0 ||
        (r = berth_bus_read_descriptor(call, &config)) < 0 ||
        (r = berth_bus_read_descriptor(call, &layer)) < 0)
        return r;
    g_autofree char *text = berth_manifest_append(data, size, config, layer, &error);
    return answer_value(call, text, append_text, error, ret_error);
}

static int method_layout(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    (void)userdata;
    return answer_list(call, berth_archive_index_read, append_layout, error);
}

static int method_docker_archive(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    (void)userdata;
    return answer_list(call, berth_docker_archive_read, append_docker, error);
}

static const sd_bus_vtable vtable[] = BERTH_FRAME_VTABLE(BERTH_INSPECT_MEMBERS);

int main(void) {
    return berth_frame_main("inspect", vtable);
}
