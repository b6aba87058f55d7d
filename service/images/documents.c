/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads image documents from the replies of berth-inspect. A BerthDocument and a BerthImageInfo are
 * plain records, owned by their caller, and never changed after they were read.
 *
 * berth-inspect parses documents that anybody may have written: lengths, counts and digests are
 * checked again here, since a worker may have been compromised by the data that it has read. A
 * reply that fails a check is refused as a whole.
 */

#include "images/documents.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/names.h"
#include "worker/replies.h"

#include <string.h>

static void indexed_manifest_free(gpointer data) {
    BerthIndexedManifest *entry = data;

    berth_descriptor_free(entry->descriptor);
    berth_platform_free(entry->platform);
    g_free(entry);
}

static void descriptor_free(gpointer data) {
    berth_descriptor_free(data);
}

void berth_document_free(BerthDocument *document) {
    if (!document)
        return;
    g_ptr_array_unref(document->entries);
    g_ptr_array_unref(document->layers);
    g_strfreev(document->titles);
    g_clear_pointer(&document->embedded, g_hash_table_unref);
    berth_descriptor_free(document->config);
    g_free(document);
}

void berth_document_set_artifact_error(const BerthDocument *manifest, GError **error) {
    berth_error_set(
        error, BERTH_ERROR_UNSUPPORTED,
        "this is an artifact, not an image that can be run: its configuration is %.200s",
        manifest->config->media_type);
}

/* Limits for a worker that lies; berth-inspect itself has stricter ones. */
enum { MAX_EMBEDDED = 1000 };

/* In a message. */
enum { MAX_LISTED_PLATFORMS = 20 };

/* For the parts of a platform, which are shown in lists and messages. */
static bool is_short(const char *text) {
    return strlen(text) <= BERTH_MAX_PLATFORM_BYTES;
}

/* Reads one entry of an index, whose container has been entered, and exits the container. */
static bool index_read_entry(sd_bus_message *reply, GPtrArray *entries) {
    g_autoptr(BerthDescriptor) descriptor = NULL;
    const char *os, *architecture, *variant;
    int attestation;

    if (berth_reply_read_descriptor(reply, &descriptor) <= 0 ||
        sd_bus_message_read(reply, "sssb", &os, &architecture, &variant, &attestation) <= 0 ||
        !is_short(os) || !is_short(architecture) || !is_short(variant) ||
        entries->len >= BERTH_MAX_REPLY_ITEMS || sd_bus_message_exit_container(reply) < 0)
        return false;
    BerthIndexedManifest *entry = g_new0(BerthIndexedManifest, 1);
    entry->descriptor = g_steal_pointer(&descriptor);
    entry->platform = berth_platform_new(os, architecture, variant);
    entry->attestation = attestation;
    g_ptr_array_add(entries, entry);
    return true;
}

static bool index_read_entries(sd_bus_message *reply, GPtrArray *entries) {
    int r = sd_bus_message_enter_container(reply, 'a', "((sst)sssb)");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "(sst)sssb")) > 0)
        if (!index_read_entry(reply, entries))
            return false;
    return r >= 0 && sd_bus_message_exit_container(reply) >= 0;
}

/* In a manifest, the configuration comes first, followed by the layers, lowest first. An index has
 * neither. */
static bool read_descriptors(sd_bus_message *reply, BerthDocument *document) {
    BerthDescriptor *descriptor;
    int r = sd_bus_message_enter_container(reply, 'a', "(sst)");

    while (r >= 0 && (r = berth_reply_read_descriptor(reply, &descriptor)) > 0) {
        if (!document->config)
            document->config = descriptor;
        else
            g_ptr_array_add(document->layers, descriptor);
        if (document->layers->len > BERTH_MAX_REPLY_ITEMS)
            return false;
    }
    return r >= 0 && sd_bus_message_exit_container(reply) >= 0;
}

/* The data member of descriptors (OCI descriptor.md). It is not hashed here: berth-ingest does that
 * when it is stored. */
static bool document_read_embedded(sd_bus_message *reply, GHashTable *embedded) {
    const char *digest;
    const void *data;
    size_t size, total = 0;
    int r = sd_bus_message_enter_container(reply, 'a', "(say)");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "say")) > 0) {
        if (sd_bus_message_read(reply, "s", &digest) <= 0 ||
            sd_bus_message_read_array(reply, 'y', &data, &size) < 0 ||
            sd_bus_message_exit_container(reply) < 0 || !berth_digest_is_valid(digest) ||
            (total += size) > BERTH_MAX_DOCUMENT_BYTES ||
            g_hash_table_size(embedded) >= MAX_EMBEDDED)
            return false;
        g_hash_table_insert(embedded, g_strdup(digest), g_bytes_new(data, size));
    }
    return r >= 0 && sd_bus_message_exit_container(reply) >= 0;
}

/* One for each layer. */
static bool document_read_titles(sd_bus_message *reply, BerthDocument *document) {
    if (!berth_reply_read_strings(reply, &document->titles))
        return false;
    for (char **title = document->titles; *title; title++)
        if (**title && !berth_name_is_file(*title))
            return false;
    return g_strv_length(document->titles) == document->layers->len;
}

static void unref_bytes(gpointer data) {
    g_bytes_unref(data);
}

/* An index has only entries; a manifest must have a configuration. */
static bool is_consistent(const BerthDocument *document) {
    return document->is_index ? !document->config : document->config && document->entries->len == 0;
}

/* Reads the reply of Manifest, which has the same form for a manifest and an index. */
BerthDocument *berth_document_read_reply(sd_bus_message *reply, GError **error) {
    g_autoptr(BerthDocument) document = g_new0(BerthDocument, 1);
    int is_index = 0;

    document->entries = g_ptr_array_new_with_free_func(indexed_manifest_free);
    document->layers = g_ptr_array_new_with_free_func(descriptor_free);
    document->embedded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_bytes);
    bool read = sd_bus_message_read(reply, "b", &is_index) > 0 &&
                index_read_entries(reply, document->entries) && read_descriptors(reply, document) &&
                document_read_embedded(reply, document->embedded) &&
                document_read_titles(reply, document);
    document->is_index = is_index;
    if (!read || !is_consistent(document)) {
        berth_reply_set_malformed("inspect", error);
        return NULL;
    }
    return g_steal_pointer(&document);
}

/* The digests in a text, wherever they are: a colon between letters or digits. The set has keys of
 * its own. Nothing is parsed, so that a hostile document can at most hide a digest in it. */
static GHashTable *list_digests(const char *text, size_t size) {
    enum { MAX_ALGORITHM = 16, MAX_HEX = 128 };
    GHashTable *digests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const char *end = text + size, *colon = text;

    for (; (colon = memchr(colon, ':', (size_t)(end - colon))); colon++) {
        const char *first = colon, *last = colon + 1;
        while (first > text && colon - first < MAX_ALGORITHM && g_ascii_isalnum(first[-1]))
            first--;
        while (last < end && last - colon <= MAX_HEX && g_ascii_isalnum(*last))
            last++;
        g_autofree char *found = g_strndup(first, (gsize)(last - first));
        if (berth_digest_is_valid(found))
            g_hash_table_add(digests, g_steal_pointer(&found));
    }
    return digests;
}

bool berth_document_is_in_text(const BerthDocument *document, const char *text, size_t size,
                               GError **error) {
    g_autoptr(GHashTable) digests = list_digests(text, size);
    bool good = !document->config || g_hash_table_contains(digests, document->config->digest);

    for (guint i = 0; good && i < document->layers->len; i++)
        good = g_hash_table_contains(digests,
                                     ((const BerthDescriptor *)document->layers->pdata[i])->digest);
    for (guint i = 0; good && i < document->entries->len; i++)
        good = g_hash_table_contains(
            digests,
            ((const BerthIndexedManifest *)document->entries->pdata[i])->descriptor->digest);
    return good || berth_reply_set_malformed("inspect", error);
}

/* Attestations are listed among the manifests of an index, but are not images. */
static bool is_runnable(const BerthIndexedManifest *entry) {
    BerthKind kind = berth_media_type_get_kind(entry->descriptor->media_type);

    return !entry->attestation && (kind == BERTH_KIND_MANIFEST || kind == BERTH_KIND_INDEX);
}

/* Adds a platform to a list. The text is the image's, so control characters are escaped. */
static void append_platform(GString *list, const BerthPlatform *platform) {
    /* An entry may state only the operating system. */
    g_autofree char *text =
        platform->architecture[0] ? berth_platform_format(platform) : g_strdup(platform->os);
    g_autofree char *escaped = g_strescape(text, NULL);

    g_string_append_printf(list, "%s%.100s", list->len > 0 ? ", " : "", escaped);
}

/* The message lists available platforms, so that the user can choose one. */
static void set_no_platform_error(const BerthDocument *index, const BerthPlatform *platform,
                                  GError **error) {
    g_autofree char *wanted = berth_platform_format(platform);
    g_autoptr(GString) offered = g_string_new(NULL);
    unsigned listed = 0;

    for (guint i = 0; i < index->entries->len && listed <= MAX_LISTED_PLATFORMS; i++) {
        const BerthIndexedManifest *entry = index->entries->pdata[i];
        if (!is_runnable(entry) || !entry->platform->os[0])
            continue;
        if (++listed <= MAX_LISTED_PLATFORMS)
            append_platform(offered, entry->platform);
        else
            g_string_append(offered, ", …");
    }
    berth_error_set(error, BERTH_ERROR_NOT_FOUND, "there is no image for %s; there is %s", wanted,
                    offered->len > 0 ? offered->str : "none that names its platform");
}

const BerthDescriptor *berth_document_choose(const BerthDocument *index,
                                             const BerthPlatform *platform, GError **error) {
    const BerthIndexedManifest *best = NULL, *nameless = NULL;
    unsigned best_match = 0;

    for (guint i = 0; i < index->entries->len; i++) {
        const BerthIndexedManifest *entry = index->entries->pdata[i];
        if (!is_runnable(entry))
            continue;
        if (!nameless && entry->platform->os[0] == '\0' && entry->platform->architecture[0] == '\0')
            nameless = entry;
        unsigned match = berth_platform_match(platform, entry->platform);
        if (match > best_match) {
            best_match = match;
            best = entry;
        }
    }
    /* No entry matches: as in podman, the first one without a platform is used. */
    if (!best)
        best = nameless;
    if (best)
        return best->descriptor;
    set_no_platform_error(index, platform, error);
    return NULL;
}

void berth_image_info_free(BerthImageInfo *info) {
    if (!info)
        return;
    char *strings[] = {
        info->manifest_digest, info->config_digest, info->chain_id, info->os,
        info->architecture,    info->variant,       info->user,     info->working_directory,
        info->stop_signal};
    char **vectors[] = {info->diff_ids, info->entrypoint, info->command, info->environment,
                        info->volumes,  info->ports,      info->labels,  info->health};
    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
        g_free(strings[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++)
        g_strfreev(vectors[i]);
    g_free(info);
}

static bool are_digests(char *const *texts) {
    for (; *texts; texts++)
        if (!berth_digest_is_valid(*texts))
            return false;
    return true;
}

/* Either empty, or four numbers followed by the test. */
static bool is_health(char *const *health) {
    return !health[0] || g_strv_length((char **)health) > 4;
}

/* See "Layer ChainID" in the OCI image specification, config.md. */
static char *compute_chain_id(char *const *diff_ids) {
    char *chain_id = NULL;

    for (char *const *diff_id = diff_ids; *diff_id; diff_id++) {
        char *next = berth_chain_id_next(chain_id, *diff_id);
        g_free(chain_id);
        chain_id = next;
    }
    return chain_id ? chain_id : g_strdup("");
}

/* Reads the reply of Config. The digests are those of the documents that were read, and not part of
 * the reply. The chain ID is computed here and never taken from the worker. */
BerthImageInfo *berth_image_info_read_reply(sd_bus_message *reply, const char *manifest_digest,
                                            const char *config_digest, GError **error) {
    g_autoptr(BerthImageInfo) info = g_new0(BerthImageInfo, 1);
    const char *os, *architecture, *variant, *user, *working_directory, *stop_signal;
    char ***vectors[] = {&info->diff_ids, &info->entrypoint, &info->command, &info->environment,
                         &info->volumes,  &info->ports,      &info->labels};
    bool read = sd_bus_message_read(reply, "sss", &os, &architecture, &variant) > 0 &&
                is_short(os) && is_short(architecture) && is_short(variant);

    for (size_t i = 0; read && i < G_N_ELEMENTS(vectors); i++)
        read = berth_reply_read_strings(reply, vectors[i]);
    if (!read || !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &user) ||
        !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &working_directory) ||
        !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &stop_signal) ||
        !berth_reply_read_strings(reply, &info->health) ||
        sd_bus_message_read(reply, "t", &info->start_interval_nsec) <= 0 ||
        !are_digests(info->diff_ids) || g_strv_length(info->labels) % 2 != 0 ||
        !is_health(info->health)) {
        berth_reply_set_malformed("inspect", error);
        return NULL;
    }
    info->manifest_digest = g_strdup(manifest_digest);
    info->config_digest = g_strdup(config_digest);
    info->os = g_strdup(os);
    info->architecture = g_strdup(architecture);
    info->variant = g_strdup(variant);
    info->user = g_strdup(user);
    info->working_directory = g_strdup(working_directory);
    info->stop_signal = g_strdup(stop_signal);
    info->chain_id = compute_chain_id(info->diff_ids);
    return g_steal_pointer(&info);
}

char *berth_image_info_format_platform(const BerthImageInfo *info) {
    const BerthPlatform platform = {info->os, info->architecture, info->variant};

    return berth_platform_format(&platform);
}

/* What all versions have written, the health check, which came later, and its start interval. */
#define INFO_TYPE_BEGIN "ssssss^as^as^as^as^as^as^assss"
#define INFO_TYPE "(" INFO_TYPE_BEGIN "^ast)"

/* This form must not change freely: berth_image_info_parse has to read the forms of all earlier
 * versions, and an upgrade of the schema (store/schema.c) takes the digests of manifest and chain
 * by their positions in the text. */
char *berth_image_info_format(const BerthImageInfo *info) {
    char *no_health[] = {NULL};
    g_autoptr(GVariant) variant = g_variant_ref_sink(
        g_variant_new(INFO_TYPE, info->manifest_digest, info->config_digest, info->chain_id,
                      info->os, info->architecture, info->variant, info->diff_ids, info->entrypoint,
                      info->command, info->environment, info->volumes, info->ports, info->labels,
                      info->user, info->working_directory, info->stop_signal,
                      info->health ? info->health : no_health, info->start_interval_nsec));

    return g_variant_print(variant, FALSE);
}

/* Returns NULL for a text that no version has written. health is NULL if an older version has not
 * read all of the health check. */
BerthImageInfo *berth_image_info_parse(const char *text) {
    static const struct {
        const char *type, *format;
    } forms[] = {
        {"(ssssssasasasasasasassssast)", INFO_TYPE},
        {"(ssssssasasasasasasassssas)", "(" INFO_TYPE_BEGIN "^as)"},
        {"(ssssssasasasasasasassss)", "(" INFO_TYPE_BEGIN ")"},
    };
    g_autoptr(GVariant) variant = NULL;
    BerthImageInfo *info = NULL;
    size_t form = 0;

    while (form < G_N_ELEMENTS(forms) &&
           !(variant = g_variant_parse(G_VARIANT_TYPE(forms[form].type), text, NULL, NULL, NULL)))
        form++;
    if (!variant)
        return NULL;
    info = g_new0(BerthImageInfo, 1);
    g_variant_get(variant, forms[form].format, &info->manifest_digest, &info->config_digest,
                  &info->chain_id, &info->os, &info->architecture, &info->variant, &info->diff_ids,
                  &info->entrypoint, &info->command, &info->environment, &info->volumes,
                  &info->ports, &info->labels, &info->user, &info->working_directory,
                  &info->stop_signal, &info->health, &info->start_interval_nsec);
    if (form > 0 && info->health && info->health[0])
        g_clear_pointer(&info->health, g_strfreev);
    return info;
}
