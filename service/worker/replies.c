/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each reader takes one reply of a worker, which belongs to the caller, and compares it with the
 * request. There is no state. Values are returned only if the whole reply is acceptable, so that a
 * caller never acts on half of one.
 */

#include "worker/replies.h"

#include "base/limits.h"
#include "base/names.h"

#include <errno.h>
#include <string.h>

bool berth_reply_set_malformed(const char *kind, GError **error) {
    return berth_error_set(error, BERTH_ERROR_INTERNAL, "berth-%s sent a malformed reply", kind);
}

/* sd-bus has already checked that it is UTF-8 without NUL bytes. */
bool berth_reply_read_string(sd_bus_message *reply, size_t limit, const char **text) {
    const char *read;

    if (sd_bus_message_read(reply, "s", &read) <= 0 || strlen(read) > limit)
        return false;
    *text = read;
    return true;
}

/* Both the number and the total length are limited, since even a list of empty strings takes
 * memory. */
bool berth_reply_read_strings(sd_bus_message *reply, char ***strings) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    size_t total = 0;
    const char *text;
    int r = sd_bus_message_enter_container(reply, 'a', "s");

    while (r >= 0 && (r = sd_bus_message_read(reply, "s", &text)) > 0) {
        total += strlen(text);
        if (list->len >= BERTH_MAX_REPLY_ITEMS || total > BERTH_MAX_DOCUMENT_BYTES)
            return false;
        g_ptr_array_add(list, g_strdup(text));
    }
    if (r < 0 || sd_bus_message_exit_container(reply) < 0)
        return false;
    g_ptr_array_add(list, NULL);
    *strings = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
    return true;
}

/* Sizes above INT64_MAX are refused, since they could be neither a file size nor a value in
 * berth.db. */
int berth_reply_read_descriptor(sd_bus_message *reply, BerthDescriptor **descriptor) {
    g_autoptr(BerthDescriptor) read = NULL;
    int r = berth_bus_read_descriptor(reply, &read);

    if (r <= 0)
        return r;
    if (!berth_digest_is_valid(read->digest) || read->size > INT64_MAX ||
        !berth_name_check_media_type(read->media_type, NULL))
        return -EBADMSG;
    *descriptor = g_steal_pointer(&read);
    return 1;
}

void berth_open_reply_clear(BerthOpenReply *opened) {
    g_clear_pointer(&opened->locator, g_free);
    g_clear_pointer(&opened->name, g_free);
    g_clear_pointer(&opened->locators, g_strfreev);
}

/* The name must be the reference without its query, completed by the object if that was given
 * separately; the locator must end before its tag or digest. Of "host/app:tag@digest", the locator
 * is "host/app": policies and credentials are looked up by it. */
static bool is_of_reference(const BerthOpenRequest *request, const char *locator,
                            const char *name) {
    g_autofree char *bare = g_strndup(request->reference, strcspn(request->reference, "?"));
    const char *slash = strchr(locator, '/');
    size_t length = strlen(locator);

    if (!slash || strpbrk(slash, ":@") || !g_str_has_prefix(bare, locator) ||
        !g_str_has_prefix(name, locator) || !strchr(":@", name[length]) || name[length] == '\0')
        return false;
    if (g_str_equal(name, bare))
        return true;
    return request->object[0] && g_str_has_prefix(name, bare) &&
           g_str_equal(name + strlen(bare) + 1, request->object);
}

/* The credentials for these endpoints are passed to the worker next, so each of them must be one
 * that berthd expects. */
static bool are_expected_endpoints(char *const *places, const char *locator,
                                   char *const *locators) {
    const char *path = strchr(locator, '/') + 1;
    guint count = g_strv_length((char **)places);

    if (g_strv_length((char **)locators) != count)
        return false;
    for (guint i = 0; i < count; i++) {
        size_t length = strlen(places[i]) - g_str_has_suffix(places[i], "/");
        g_autofree char *place = g_strndup(places[i], length);
        g_autofree char *whole = g_strconcat(place, "/", path, NULL);
        if (!g_str_equal(whole, locators[i]))
            return false;
    }
    return true;
}

bool berth_reply_read_opened(sd_bus_message *reply, const BerthOpenRequest *request,
                             BerthOpenReply *opened, GError **error) {
    g_auto(GStrv) locators = NULL;
    const char *locator, *name;

    if (!berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &locator) ||
        !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &name) ||
        !berth_reply_read_strings(reply, &locators) || !is_of_reference(request, locator, name) ||
        !are_expected_endpoints(request->places, locator, locators))
        return berth_reply_set_malformed("fetch", error);
    *opened = (BerthOpenReply){g_strdup(locator), g_strdup(name), g_steal_pointer(&locators)};
    return true;
}

bool berth_reply_read_resolved(sd_bus_message *reply, const char *name, const char *object,
                               BerthDescriptor **target, char ***warnings, GError **error) {
    g_autoptr(BerthDescriptor) read = NULL;
    g_auto(GStrv) lines = NULL;
    /* If the object is a digest, or the name ends in one, no other digest is accepted in the
     * reply. */
    const char *at = strrchr(object[0] ? object : name, '@');
    const char *digest = at ? at + 1 : object;
    const char *answered;

    if (!berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &answered) ||
        berth_reply_read_descriptor(reply, &read) <= 0 ||
        !berth_reply_read_strings(reply, &lines) || !g_str_equal(answered, name) ||
        (berth_digest_is_valid(digest) && !g_str_equal(read->digest, digest)))
        return berth_reply_set_malformed("fetch", error);
    *target = g_steal_pointer(&read);
    if (warnings)
        *warnings = g_steal_pointer(&lines);
    return true;
}

bool berth_reply_read_object(sd_bus_message *reply, const char *object, BerthDescriptor **target,
                             GError **error) {
    g_autoptr(BerthDescriptor) read = NULL;

    if (berth_reply_read_descriptor(reply, &read) <= 0 ||
        (berth_digest_is_valid(object) && !g_str_equal(read->digest, object)))
        return berth_reply_set_malformed("fetch", error);
    *target = g_steal_pointer(&read);
    return true;
}

static void free_found(gpointer data) {
    BerthFoundRepository *found = data;

    g_free(found->name);
    g_free(found->description);
    g_free(found);
}

/* Returns 1, 0 at the end of the list, or a negative errno. */
static int read_found(sd_bus_message *reply, GPtrArray *results) {
    const char *name, *description;
    uint64_t stars;
    int official, r = sd_bus_message_read(reply, "(sstb)", &name, &description, &stars, &official);

    if (r <= 0)
        return r;
    if (!name[0] || strlen(name) > BERTH_MAX_TEXT_BYTES ||
        strlen(description) > BERTH_MAX_TEXT_BYTES)
        return -EBADMSG;
    BerthFoundRepository *found = g_new0(BerthFoundRepository, 1);
    *found = (BerthFoundRepository){g_strdup(name), g_strdup(description), stars, official};
    g_ptr_array_add(results, found);
    return 1;
}

/* Reads one more than the limit, in order to detect a list that is too long. */
bool berth_reply_read_found(sd_bus_message *reply, uint32_t limit, GPtrArray **results,
                            GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_found);
    int r = sd_bus_message_enter_container(reply, 'a', "(sstb)");

    while (r >= 0 && list->len <= limit && (r = read_found(reply, list)) > 0)
        continue;
    if (r < 0 || list->len > limit)
        return berth_reply_set_malformed("fetch", error);
    *results = g_steal_pointer(&list);
    return true;
}

/* berth-ingest counts and hashes the bytes themselves. */
bool berth_reply_read_fetched(sd_bus_message *reply, uint64_t size, GError **error) {
    uint64_t read;

    return (sd_bus_message_read(reply, "t", &read) > 0 && read == size) ||
           berth_reply_set_malformed("fetch", error);
}

/* data points into the reply, and is compared with the blob stored here (images/pull-proof.c). */
bool berth_reply_read_sample(sd_bus_message *reply, size_t size, const void **data,
                             GError **error) {
    size_t read;

    if (sd_bus_message_read_array(reply, 'y', data, &read) <= 0 || read != size)
        return berth_reply_set_malformed("fetch", error);
    return true;
}

/* Returns the string of this table and not that of the reply: it is shown as the phase of a
 * transfer item, which has to be static. */
const char *berth_reply_read_pushed(sd_bus_message *reply, GError **error) {
    static const char *const words[] = {"pushed", "exists", "mounted"};
    const char *text;

    if (sd_bus_message_read(reply, "s", &text) > 0)
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
            if (g_str_equal(words[i], text))
                return words[i];
    berth_reply_set_malformed("fetch", error);
    return NULL;
}

/* The limit was also passed to the worker; a larger size means that it did not observe it. */
bool berth_reply_read_ingested(sd_bus_message *reply, const char *algorithm, uint64_t limit,
                               const char **digest, uint64_t *size, GError **error) {
    const char *text;
    BerthAlgorithm found;
    uint64_t bytes;

    if (sd_bus_message_read(reply, "st", &text, &bytes) <= 0 || bytes > limit ||
        !berth_digest_parse(text, &found, NULL) ||
        !g_str_equal(berth_algorithm_get_name(found), algorithm))
        return berth_reply_set_malformed("ingest", error);
    *digest = text;
    *size = bytes;
    return true;
}

bool berth_reply_read_text(sd_bus_message *reply, const char **text, GError **error) {
    return berth_reply_read_string(reply, BERTH_MAX_DOCUMENT_BYTES, text) ||
           berth_reply_set_malformed("inspect", error);
}

/* The blob's size is known from the store, so that a worker cannot add to the text or truncate
 * it. */
bool berth_reply_read_stored_text(sd_bus_message *reply, uint64_t size, const char **text,
                                  GError **error) {
    return (berth_reply_read_string(reply, BERTH_MAX_DOCUMENT_BYTES, text) &&
            strlen(*text) == size) ||
           berth_reply_set_malformed("inspect", error);
}

/* The limit was also passed to berth-unpack; a larger size means that it did not observe it. */
bool berth_reply_read_unpacked(sd_bus_message *reply, uint64_t limit, uint64_t *size,
                               bool *needs_lower, GError **error) {
    uint64_t bytes;
    int needs;

    if (sd_bus_message_read(reply, "tb", &bytes, &needs) <= 0 || bytes > limit)
        return berth_reply_set_malformed("unpack", error);
    *size = bytes;
    *needs_lower = needs;
    return true;
}

bool berth_reply_read_measured(sd_bus_message *reply, uint64_t *size, bool *is_complete,
                               GError **error) {
    uint64_t bytes;
    int complete;

    if (sd_bus_message_read(reply, "tb", &bytes, &complete) <= 0 || bytes > INT64_MAX)
        return berth_reply_set_malformed("unpack", error);
    *size = bytes;
    *is_complete = complete;
    return true;
}

/* Names are only checked for their length: what they refer to is checked where they are used. */
bool berth_reply_read_member(sd_bus_message *reply, BerthArchiveEntry *entry, GError **error) {
    int more, is_hard_link, is_file;
    const char *name, *target;
    uint64_t size;

    if (sd_bus_message_read(reply, "bstsbb", &more, &name, &size, &target, &is_hard_link,
                            &is_file) <= 0 ||
        strlen(name) > BERTH_MAX_TEXT_BYTES || strlen(target) > BERTH_MAX_TEXT_BYTES ||
        size > INT64_MAX)
        return berth_reply_set_malformed("archive", error);
    *entry = (BerthArchiveEntry){more, is_hard_link, is_file, name, target, size};
    return true;
}
