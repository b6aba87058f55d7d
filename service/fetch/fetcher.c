/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Fetch owns the pipe and itself, from berth_fetch() until done is called. It asks one remote at
 * a time and is in one of three states: a request is under way (call), the request is paused
 * because the pipe is full (writable), or it waits to ask the same remote again (delay). If a
 * remote gives up, the next one is asked; position stays the same, so the reader of the pipe sees
 * one content.
 *
 * Registries disagree on where an object is stored: an object whose media type is not a manifest's
 * is requested as a blob, and after a 404 the other way round (tries_other_kind). A server that
 * cannot resume is asked for the whole content (requests_whole), and what is already in the pipe is
 * skipped.
 */

#include "fetch/fetcher.h"

#include "base/fd.h"

#include <errno.h>

/* PROGRESS_BYTES: after so many, tries count from the beginning. Proxies close each connection
 * after a time, however large the content is. */
enum { MAX_TRIES = 5, FIRST_DELAY_MSEC = 100, PROGRESS_BYTES = 1024 * 1024 };

/* Where a response begins in the content is determined when its first block arrives. */
typedef enum { RESPONSE_AWAITED, RESPONSE_PLACED, RESPONSE_MISPLACED } ResponsePlace;

typedef struct {
    sd_event *event;
    GPtrArray *remotes;
    guint next; /* the next one to ask */
    BerthRemote *remote;
    BerthDescriptor *target;
    int pipe;
    bool tries_other_kind; /* the other kind of URL, blob or manifest, is being tried */
    /* how much of the content has been written, including by the reader's earlier fetches */
    uint64_t position;
    uint64_t skip;       /* bytes at the start of this response that the reader already has */
    ResponsePlace place; /* of this response; MISPLACED: it begins after the requested position */
    bool requests_whole; /* the server cannot send ranges: request everything and skip what is there
                          */
    size_t written;      /* of the block that curl passes again after a pause */
    unsigned tries;
    uint64_t tried_at; /* position at which tries were last counted from the beginning */
    char *accept;
    BerthRemoteCall *call;
    sd_event_source *writable, *delay;
    BerthFetched done;
    void *userdata;
} Fetch;

static void fetcher_ask(Fetch *fetch);

/* Whether to request the object as a blob: the media type decides, and after a 404 the opposite. */
static bool is_asked_as_blob(const Fetch *fetch) {
    BerthKind kind = berth_media_type_get_kind(fetch->target->media_type);
    bool is_blob = kind != BERTH_KIND_MANIFEST && kind != BERTH_KIND_INDEX;

    return is_blob != fetch->tries_other_kind;
}

/* Begins with the next remote as if nothing had been tried; only position is kept. False if there
 * is none left. */
static bool fetcher_ask_next(Fetch *fetch) {
    if (fetch->next >= fetch->remotes->len)
        return false;
    fetch->remote = fetch->remotes->pdata[fetch->next++];
    fetch->tries_other_kind = fetch->requests_whole = false;
    fetch->tries = 0;
    fetch->tried_at = fetch->position;
    fetcher_ask(fetch);
    return true;
}

/* After an error, continues with the next remote; done is only called for the last one. */
static void fetcher_finish(Fetch *fetch, const GError *error) {
    /* The reader of the pipe has failed, so another remote would not help. */
    bool refused =
        error && (error->code == BERTH_ERROR_INTERNAL || error->code == BERTH_ERROR_NO_SPACE);

    if (error && !refused && fetcher_ask_next(fetch))
        return;
    if (fetch->writable)
        sd_event_source_disable_unref(fetch->writable);
    if (fetch->delay)
        sd_event_source_disable_unref(fetch->delay);
    /* Closed before done is called: the reader sees the end of the content. */
    berth_fd_clear(&fetch->pipe);
    fetch->done(fetch->position, error, fetch->userdata);
    berth_descriptor_free(fetch->target);
    g_free(fetch->accept);
    g_free(fetch);
}

/* Disabled until the pipe is full again: a pipe with room would keep waking the loop. */
static int on_writable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    Fetch *fetch = userdata;

    (void)fd;
    (void)events;
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    if (fetch->call)
        berth_remote_resume(fetch->call);
    return 0;
}

static bool wait_for_room(Fetch *fetch, GError **error) {
    int r = fetch->writable ? sd_event_source_set_enabled(fetch->writable, SD_EVENT_ON)
                            : sd_event_add_io(fetch->event, &fetch->writable, fetch->pipe, EPOLLOUT,
                                              on_writable, fetch);

    return r >= 0 || berth_error_set_errno(error, r, "wait for the pipe");
}

/* Returns the offset at which the response begins. A partial response without Content-Range is
 * assumed to begin at position, unless its length is that of the whole content. Several ranges in
 * one response were never requested. */
static uint64_t find_first_byte(const Fetch *fetch, const BerthResponse *response) {
    if (!response->is_partial)
        return 0;
    if (response->first_byte >= 0)
        return (uint64_t)response->first_byte;
    if (g_str_has_prefix(response->content_type, "multipart/"))
        return G_MAXUINT64;
    return fetch->requests_whole || (response->content_length >= 0 &&
                                     (uint64_t)response->content_length == fetch->target->size)
               ? 0
               : fetch->position;
}

/* Determines how much of this response the reader already has. A server that ignores Range begins
 * at the start of the content; one that sends another range than requested may begin before
 * position. */
static bool find_response_offset(Fetch *fetch, const BerthResponse *response, GError **error) {
    uint64_t first = find_first_byte(fetch, response);

    fetch->place = first > fetch->position ? RESPONSE_MISPLACED : RESPONSE_PLACED;
    if (fetch->place == RESPONSE_MISPLACED)
        return berth_error_set(error, BERTH_ERROR_REGISTRY_FAILED,
                               "%s: the registry answered with another part of %s than "
                               "requested",
                               berth_remote_get_locator(fetch->remote), fetch->target->digest);
    fetch->skip = fetch->position - first;
    return true;
}

/* The stated size of a manifest may come from HEAD and be wrong; asking again would not help. */
static bool check_size(const Fetch *fetch, const BerthResponse *response, GError **error) {
    if (is_asked_as_blob(fetch) || response->is_partial || response->content_length < 0 ||
        (uint64_t)response->content_length == fetch->target->size)
        return true;
    return berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH,
                           "%s: %s has %" G_GINT64_FORMAT " bytes, not %" G_GUINT64_FORMAT,
                           berth_remote_get_locator(fetch->remote), fetch->target->digest,
                           response->content_length, fetch->target->size);
}

/* Takes a block of the body; returning false with pause set requests the same block again later. */
static bool fetcher_take_block(const BerthResponse *response, const char *data, size_t size,
                               bool *pause, void *userdata, GError **error) {
    Fetch *fetch = userdata;

    if (fetch->place == RESPONSE_AWAITED &&
        (!check_size(fetch, response, error) || !find_response_offset(fetch, response, error)))
        return false;
    while (fetch->written < size) {
        if (fetch->skip > 0) {
            size_t skipped = MIN(fetch->skip, size - fetch->written);
            fetch->skip -= skipped;
            fetch->written += skipped;
            continue;
        }
        /* Checked before writing: a reader never receives more than the descriptor's size. */
        if (size - fetch->written > fetch->target->size - fetch->position)
            return berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH,
                                   "%s: %s is larger than the %" G_GUINT64_FORMAT
                                   " bytes it should have",
                                   berth_remote_get_locator(fetch->remote), fetch->target->digest,
                                   fetch->target->size);
        ssize_t written = write(fetch->pipe, data + fetch->written, size - fetch->written);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) {
            *pause = wait_for_room(fetch, error);
            return false;
        }
        if (written < 0)
            return berth_error_set_errno(error, errno, "pass the content on");
        fetch->written += written;
        fetch->position += written;
    }
    fetch->written = 0;
    return true;
}

static int on_fetcher_delay(sd_event_source *source, uint64_t usec, void *userdata) {
    Fetch *fetch = userdata;

    (void)usec;
    fetch->delay = NULL;
    sd_event_source_unref(source);
    fetcher_ask(fetch);
    return 0;
}

/* Each wait is twice as long as the previous one. */
static bool fetcher_try_again(Fetch *fetch) {
    if (fetch->position - fetch->tried_at >= PROGRESS_BYTES) {
        fetch->tried_at = fetch->position;
        fetch->tries = 0;
    }
    uint64_t delay_usec = (uint64_t)FIRST_DELAY_MSEC * 1000 << fetch->tries;

    return fetch->tries < MAX_TRIES &&
           sd_event_add_time_relative(fetch->event, &fetch->delay, CLOCK_MONOTONIC, delay_usec,
                                      BERTH_HTTP_TIMER_ACCURACY_USEC, on_fetcher_delay, fetch) >= 0;
}

/* The response has ended without an error, but some servers close the connection early: only the
 * position counts. */
static void check_end(Fetch *fetch) {
    g_autoptr(GError) error = NULL;

    if (fetch->position == fetch->target->size) {
        fetcher_finish(fetch, NULL);
        return;
    }
    if (fetcher_try_again(fetch))
        return;
    berth_error_set(&error, BERTH_ERROR_REGISTRY_FAILED,
                    "%s: %s is truncated: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes",
                    berth_remote_get_locator(fetch->remote), fetch->target->digest, fetch->position,
                    fetch->target->size);
    fetcher_finish(fetch, error);
}

/* The status for this is 416 (RFC 9110 section 15.5.17). Servers that do not know the header may
 * answer 400 or 501. */
static bool is_range_refused(const BerthResponse *response) {
    return response->status == 416 || response->status == 400 || response->status == 501;
}

/* Requests the whole content if this server cannot continue at position: it refuses the range, or
 * has sent one that begins later. */
static bool begin_again(Fetch *fetch, const BerthResponse *response, const GError *error) {
    if (fetch->requests_whole || fetch->position == 0 ||
        !(error ? fetch->place == RESPONSE_MISPLACED : is_range_refused(response)))
        return false;
    fetch->requests_whole = true;
    fetcher_ask(fetch);
    return true;
}

/* The manifest may have other addresses for such a layer ("urls"). They are not requested: the
 * author of an image could make this machine connect to any host within its reach. */
static void set_status_error(const Fetch *fetch, const BerthResponse *response, GError **error) {
    const BerthDescriptor *target = fetch->target;

    if (response->status == 404 && berth_media_type_is_nondistributable(target->media_type))
        berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                        "%s: the registry does not have the non-distributable layer %s, which is "
                        "not fetched from elsewhere",
                        berth_remote_get_locator(fetch->remote), target->digest);
    else
        berth_remote_set_status_error(fetch->remote, target->digest, response, error);
}

static void on_fetcher_response(const BerthResponse *response, const GError *error,
                                void *userdata) {
    Fetch *fetch = userdata;
    g_autoptr(GError) local = NULL;

    fetch->call = NULL;
    if (begin_again(fetch, response, error))
        return;
    if (error && berth_http_is_transient(error)) {
        if (fetcher_try_again(fetch))
            return;
        berth_error_set(&local, BERTH_ERROR_REGISTRY_FAILED, "%s", error->message);
        fetcher_finish(fetch, local);
    } else if (error) {
        fetcher_finish(fetch, error);
    } else if (response->status == 404 && !fetch->tries_other_kind) {
        fetch->tries_other_kind = true;
        fetcher_ask(fetch);
    } else if (response->status != 200 && response->status != 206) {
        set_status_error(fetch, response, &local);
        fetcher_finish(fetch, local);
    } else {
        check_end(fetch);
    }
}

/* A request with an offset has a Range header, which the server may ignore
 * (find_response_offset()). */
static void fetcher_ask(Fetch *fetch) {
    bool as_blob = is_asked_as_blob(fetch);
    g_autofree char *path =
        g_strconcat(as_blob ? "blobs/" : "manifests/", fetch->target->digest, NULL);
    BerthHttpOptions options = {
        .method = "GET",
        .accept = as_blob ? NULL : fetch->accept,
        /* Manifests are small, and may be encoded: their ranges would be those of the encoded form.
         */
        .offset = fetch->requests_whole || !as_blob ? 0 : fetch->position,
        .sink = fetcher_take_block,
        .is_document = !as_blob,
    };

    fetch->tries++;
    fetch->place = RESPONSE_AWAITED;
    fetch->written = 0;
    fetch->call =
        berth_remote_send(fetch->remote, path, NULL, &options, on_fetcher_response, fetch);
}

void berth_fetch(sd_event *event, GPtrArray *remotes, const BerthDescriptor *target,
                 uint64_t offset, int pipe, BerthFetched done, void *userdata) {
    Fetch *fetch = g_new0(Fetch, 1);

    fetch->event = event;
    fetch->remotes = remotes;
    fetch->target = berth_descriptor_copy(target);
    fetch->pipe = pipe;
    fetch->position = offset;
    fetch->accept = g_strconcat(target->media_type, ", */*", NULL);
    fetch->done = done;
    fetch->userdata = userdata;
    if (offset >= target->size)
        fetcher_finish(fetch, NULL);
    else
        fetcher_ask_next(fetch);
}
