/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Push owns its content's descriptor and itself, until done is called. Its states are the
 * requests of the specification, one at a time: HEAD (does the registry have it), POST (begin an
 * upload, or mount), PATCH (one part), PUT (close with the digest). After a broken connection, GET
 * returns how much the registry has, and the upload continues from there or starts over.
 */

#include "fetch/pusher.h"

#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"

#include <string.h>

/* A larger blob is sent in parts, so that little is lost when the connection breaks. */
#define CHUNK_BYTES (64ull * 1024 * 1024)

enum { MAX_TRIES = 5, FIRST_DELAY_MSEC = 200 };

typedef struct {
    sd_event *event;
    BerthRemote *remote;
    BerthDescriptor *target;
    int content;
    char **sources;
    guint next_source; /* the next one to try to mount from */
    char *scope;       /* requested in addition to the one for this repository */
    char *location;    /* of the upload; NULL before there is one */
    bool mounts;       /* it was asked to mount the blob from another repository */
    uint64_t chunk;    /* the smallest part that the registry accepts, or CHUNK_BYTES */
    uint64_t offset;   /* how much of it the registry has */
    unsigned tries;
    sd_event_source *delay;
    BerthPushed done;
    void *userdata;
} Push;

static void begin_upload(Push *push);
static void send_rest(Push *push);

/* Frees the push. outcome is meaningless if there is an error. */
static void pusher_finish(Push *push, BerthPushOutcome outcome, const GError *error) {
    push->done(outcome, error, push->userdata);
    if (push->delay)
        sd_event_source_disable_unref(push->delay);
    berth_fd_clear(&push->content);
    berth_descriptor_free(push->target);
    g_strfreev(push->sources);
    g_free(push->scope);
    g_free(push->location);
    g_free(push);
}

static void fail_status(Push *push, const BerthResponse *response) {
    g_autoptr(GError) error = NULL;

    berth_remote_set_status_error(push->remote, push->target->digest, response, &error);
    pusher_finish(push, BERTH_PUSHED, error);
}

/* Each response may name another location for the next request; the latest one counts (distribution
 * specification, "Pushing a blob in chunks"). */
static void pusher_take_location(Push *push, const BerthResponse *response) {
    if (response->location[0] == '\0')
        return;
    g_free(push->location);
    push->location = g_strdup(response->location);
}

/* The registry reports what it has as "0-99": the upload continues after the last byte. */
static uint64_t parse_range(const char *range, uint64_t otherwise) {
    const char *dash = strchr(range, '-');

    return dash && g_ascii_isdigit(dash[1]) ? g_ascii_strtoull(dash + 1, NULL, 10) + 1 : otherwise;
}

/* After a broken connection: takes the offset that the registry reports; an upload that it has lost
 * starts over. */
static void on_status(const BerthResponse *response, const GError *error, void *userdata) {
    Push *push = userdata;

    uint64_t offset = error ? 0 : MIN(parse_range(response->range, 0), push->target->size);

    /* "0-0" is one byte, but also what the distribution project's registry reports for none. */
    if (!error && response->status == 204 && offset > 1) {
        pusher_take_location(push, response);
        push->offset = offset;
        send_rest(push);
        return;
    }
    g_clear_pointer(&push->location, g_free);
    push->offset = 0;
    begin_upload(push);
}

static int on_pusher_delay(sd_event_source *source, uint64_t usec, void *userdata) {
    Push *push = userdata;

    (void)usec;
    push->delay = NULL;
    sd_event_source_unref(source);
    if (!push->location)
        begin_upload(push);
    else
        berth_remote_send(push->remote, push->location, push->scope,
                          &(BerthHttpOptions){.method = "GET"}, on_status, push);
    return 0;
}

/* response is NULL after a broken connection. */
static bool pusher_try_again(Push *push, const BerthResponse *response) {
    uint64_t delay_usec = (uint64_t)FIRST_DELAY_MSEC * 1000 << push->tries;

    return ++push->tries < MAX_TRIES &&
           (!response || berth_http_extend_delay(response, &delay_usec)) &&
           sd_event_add_time_relative(push->event, &push->delay, CLOCK_MONOTONIC, delay_usec,
                                      BERTH_HTTP_TIMER_ACCURACY_USEC, on_pusher_delay, push) >= 0;
}

/* Returns true if the push continues. Otherwise it is waiting to try again, or it is finished and
 * freed. 416 means that the registry expected another offset (distribution specification, "Pushing
 * a blob in chunks"); on_status() then asks for the right one. */
static bool check_pushed(Push *push, const BerthResponse *response, const GError *error) {
    g_autoptr(GError) local = NULL;
    long status = error ? 0 : response->status;
    bool broken = error ? berth_http_is_transient(error)
                        : status >= 500 || status == 429 || status == 416 ||
                              (status == 404 && push->location);

    if (broken && pusher_try_again(push, error ? NULL : response))
        return false;
    if (error) {
        berth_error_set(&local, BERTH_ERROR_REGISTRY_FAILED, "%s", error->message);
        pusher_finish(push, BERTH_PUSHED, berth_http_is_transient(error) ? local : error);
        return false;
    }
    if (response->status < 200 || response->status > 299) {
        fail_status(push, response);
        return false;
    }
    return true;
}

/* The registry compares the digest in the URL with what it has received: if they differ, this PUT
 * fails. */
static void on_closed(const BerthResponse *response, const GError *error, void *userdata) {
    Push *push = userdata;

    if (check_pushed(push, response, error))
        pusher_finish(push, BERTH_PUSHED, NULL);
}

static void on_chunk(const BerthResponse *response, const GError *error, void *userdata) {
    Push *push = userdata;

    if (!check_pushed(push, response, error))
        return;
    pusher_take_location(push, response);
    uint64_t left = push->target->size - push->offset;
    uint64_t sent = push->offset + MIN(left, push->chunk);
    uint64_t stored = parse_range(response->range, sent);
    /* The registry may have stored less. Some report no range, "0-0", always the first one or only
     * the length of the last part, although they have stored everything; the digest is checked at
     * the end. */
    push->offset = stored > MAX(push->offset, 1) && stored < sent ? stored : sent;
    /* Only attempts without progress count. */
    push->tries = 0;
    send_rest(push);
}

/* The location may already have a query, which the registry needs (distribution specification,
 * "Pushing a blob monolithically"). */
static char *closing_url(const Push *push) {
    g_autofree char *digest = g_uri_escape_string(push->target->digest, ":", FALSE);

    return g_strconcat(push->location, strchr(push->location, '?') ? "&" : "?", "digest=", digest,
                       NULL);
}

/* A blob that fits into one request is sent with the PUT that closes the upload. Otherwise it is
 * sent with PATCH requests, and an empty PUT closes the upload. */
static void send_rest(Push *push) {
    uint64_t left = push->target->size - push->offset;
    uint64_t size = MIN(left, push->chunk);
    bool whole = push->offset == 0 && left <= push->chunk;
    BerthHttpOptions options = {
        .method = whole || left == 0 ? "PUT" : "PATCH",
        .content_type = "application/octet-stream",
        .uploads = left > 0,
        .upload = push->content,
        .upload_offset = push->offset,
        .upload_size = size,
    };
    g_autofree char *url = whole || left == 0 ? closing_url(push) : g_strdup(push->location);
    g_autofree char *range = g_strdup_printf("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
                                             push->offset, push->offset + (size ? size - 1 : 0));

    if (!whole && left > 0)
        options.content_range = range;
    berth_remote_send(push->remote, url, push->scope, &options,
                      whole || left == 0 ? on_closed : on_chunk, push);
}

/* The user may not have access to the other repository, or the token server may not issue a token
 * for both; registries report either in many ways. */
static bool is_mount_refused(const Push *push, const BerthResponse *response, const GError *error) {
    if (!push->mounts)
        return false;
    return error ? error->code == BERTH_ERROR_UNAUTHORIZED ||
                       error->code == BERTH_ERROR_REGISTRY_FAILED
                 : response->status >= 400 && response->status < 500;
}

/* The response to POST: 201 for a blob that was mounted, 202 with a location for an upload. A
 * registry that does not support mounting may answer a mount with 202 as well; the blob is then
 * uploaded. */
static void on_begun(const BerthResponse *response, const GError *error, void *userdata) {
    Push *push = userdata;
    g_autoptr(GError) local = NULL;

    if (is_mount_refused(push, response, error)) {
        /* The blob is uploaded instead, and no other source is tried. */
        g_clear_pointer(&push->scope, g_free);
        push->next_source = G_MAXUINT;
        begin_upload(push);
        return;
    }
    if (!check_pushed(push, response, error))
        return;
    /* If no mount was requested, some registries answer 201 to say that the upload may begin. */
    if (response->status == 201 && push->mounts) {
        pusher_finish(push, BERTH_PUSH_MOUNTED, NULL);
        return;
    }
    pusher_take_location(push, response);
    if (push->location) {
        /* The registry may require larger parts (OCI-Chunk-Min-Length). */
        push->chunk = MAX(CHUNK_BYTES, response->least_chunk);
        push->offset = 0;
        send_rest(push);
        return;
    }
    berth_error_set(&local, BERTH_ERROR_REGISTRY_FAILED,
                    "%s: the registry did not send an upload location",
                    berth_remote_get_locator(push->remote));
    pusher_finish(push, BERTH_PUSHED, local);
}

/* The next repository of this registry that is known to have the blob; NULL if there is none.
 * sources also has repositories of other registries. */
static const char *find_source(Push *push) {
    g_autofree char *prefix = g_strconcat(berth_remote_get_host(push->remote), "/", NULL);
    const char *locator = berth_remote_get_locator(push->remote);
    guint count = push->sources ? g_strv_length(push->sources) : 0;

    while (push->next_source < count) {
        const char *source = push->sources[push->next_source++];
        if (g_str_has_prefix(source, prefix) && !g_str_equal(source, locator))
            return source + strlen(prefix);
    }
    return NULL;
}

/* First tries to mount the blob from a source that it has not tried yet. */
static void begin_upload(Push *push) {
    const char *source = find_source(push);
    g_autofree char *from = source ? g_uri_escape_string(source, "/", FALSE) : NULL;
    g_autofree char *path =
        source ? g_strconcat("blobs/uploads/?mount=", push->target->digest, "&from=", from, NULL)
               : g_strdup("blobs/uploads/");

    push->mounts = source;
    if (source) {
        g_free(push->scope);
        /* Mounting requires the right to pull from the source. */
        push->scope = g_strconcat("repository:", source, ":pull", NULL);
    }
    berth_remote_send(push->remote, path, push->scope, &(BerthHttpOptions){.method = "POST"},
                      on_begun, push);
}

/* A registry without HEAD (405 or 501) gets the blob. Any other status except for success is
 * handled as for an upload, and so are connection errors. */
static void push_on_existence(const BerthResponse *response, const GError *error, void *userdata) {
    Push *push = userdata;

    if (!error && (response->status == 404 || response->status == 405 || response->status == 501))
        begin_upload(push);
    else if (check_pushed(push, response, error))
        pusher_finish(push, BERTH_PUSH_EXISTS, NULL);
}

static Push *new_push(sd_event *event, BerthRemote *remote, const BerthDescriptor *target,
                      int content, BerthPushed done, void *userdata) {
    Push *push = g_new0(Push, 1);

    push->event = event;
    push->remote = remote;
    push->target = berth_descriptor_copy(target);
    push->content = content;
    push->done = done;
    push->userdata = userdata;
    return push;
}

void berth_push_blob(sd_event *event, BerthRemote *remote, const BerthDescriptor *target,
                     int content, char *const *sources, BerthPushed done, void *userdata) {
    Push *push = new_push(event, remote, target, content, done, userdata);
    g_autofree char *path = g_strconcat("blobs/", target->digest, NULL);

    push->sources = g_strdupv((char **)sources);
    berth_remote_send(remote, path, NULL, &(BerthHttpOptions){.method = "HEAD"}, push_on_existence,
                      push);
}

/* A registry that stores something other than what it was sent cannot be trusted. */
static void on_manifest_pushed(const BerthResponse *response, const GError *error, void *userdata) {
    Push *push = userdata;
    g_autoptr(GError) local = NULL;

    if (error) {
        pusher_finish(push, BERTH_PUSHED, error);
    } else if (response->status < 200 || response->status > 299) {
        fail_status(push, response);
    } else {
        if (berth_digest_is_contradicted(push->target->digest, response->digest))
            berth_error_set(
                &local, BERTH_ERROR_DIGEST_MISMATCH, "%s: the registry stored %.200s instead of %s",
                berth_remote_get_locator(push->remote), response->digest, push->target->digest);
        pusher_finish(push, BERTH_PUSHED, local);
    }
}

/* A manifest is small and sent in one request, so its Push has no event loop, never waits, and is
 * not retried here. */
void berth_push_manifest(BerthRemote *remote, const BerthDescriptor *target, const char *object,
                         int content, BerthPushed done, void *userdata) {
    Push *push = new_push(NULL, remote, target, content, done, userdata);
    g_autofree char *path = g_strconcat("manifests/", object, NULL);
    g_autoptr(GError) error = NULL;
    size_t size;
    g_autofree char *text = berth_fd_read_whole(content, BERTH_MAX_DOCUMENT_BYTES, &size, &error);

    if (!text) {
        pusher_finish(push, BERTH_PUSHED, error);
        return;
    }
    berth_remote_send(
        remote, path, NULL,
        &(BerthHttpOptions){.method = "PUT", .content_type = target->media_type, .text = text},
        on_manifest_pushed, push);
}
