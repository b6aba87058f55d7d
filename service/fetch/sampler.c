/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Sampling asks one remote after the other until one sends exactly the requested range, and frees
 * itself after done.
 */

#include "fetch/sampler.h"

typedef struct {
    GPtrArray *remotes;
    guint next; /* the next one to ask */
    BerthRemote *remote;
    char *path;
    uint64_t offset;
    uint32_t length;
    GByteArray *data;
    BerthSampled done;
    void *userdata;
} Sampling;

static void sampler_ask_next(Sampling *sampling);

/* After an error the next remote is asked; done gets the error of the last one. */
static void sampler_finish(Sampling *sampling, const GError *error) {
    if (error && sampling->next < sampling->remotes->len) {
        sampler_ask_next(sampling);
        return;
    }
    sampling->done((const char *)sampling->data->data, sampling->data->len, error,
                   sampling->userdata);
    g_byte_array_unref(sampling->data);
    g_free(sampling->path);
    g_free(sampling);
}

/* A server that ignores Range would send the whole blob; the request fails instead. */
static bool sampler_take_block(const BerthResponse *response, const char *data, size_t size,
                               bool *pause, void *userdata, GError **error) {
    Sampling *sampling = userdata;

    (void)pause;
    if (!response->is_partial)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "%s: the registry does not support range requests",
                               berth_remote_get_locator(sampling->remote));
    if (size > sampling->length - sampling->data->len)
        return berth_error_set(error, BERTH_ERROR_REGISTRY_FAILED,
                               "%s: the registry answered with more than requested",
                               berth_remote_get_locator(sampling->remote));
    g_byte_array_append(sampling->data, (const guint8 *)data, (guint)size);
    return true;
}

/* Only the exact range counts: a shorter response proves nothing. */
static void on_sampler_response(const BerthResponse *response, const GError *error,
                                void *userdata) {
    Sampling *sampling = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    if (!local && response->status != 206)
        berth_remote_set_status_error(sampling->remote, sampling->path, response, &local);
    if (!local && sampling->data->len != sampling->length)
        berth_error_set(&local, BERTH_ERROR_REGISTRY_FAILED,
                        "%s: the registry answered with less than requested",
                        berth_remote_get_locator(sampling->remote));
    sampler_finish(sampling, local);
}

static void sampler_ask_next(Sampling *sampling) {
    const BerthHttpOptions options = {
        .method = "GET",
        .offset = sampling->offset,
        .length = sampling->length,
        .sink = sampler_take_block,
    };

    /* An earlier remote may have sent a part. */
    g_byte_array_set_size(sampling->data, 0);
    sampling->remote = sampling->remotes->pdata[sampling->next++];
    berth_remote_send(sampling->remote, sampling->path, NULL, &options, on_sampler_response,
                      sampling);
}

void berth_sample(GPtrArray *remotes, const char *digest, uint64_t offset, uint32_t length,
                  BerthSampled done, void *userdata) {
    Sampling *sampling = g_new0(Sampling, 1);

    sampling->remotes = remotes;
    sampling->path = g_strconcat("blobs/", digest, NULL);
    sampling->offset = offset;
    sampling->length = length;
    sampling->data = g_byte_array_new();
    sampling->done = done;
    sampling->userdata = userdata;
    sampler_ask_next(sampling);
}
