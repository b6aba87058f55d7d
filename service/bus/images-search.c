/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The method Search of org.berth1.Images. There is no state but the pending call. The one thing to
 * know: results come from the registry and are not trusted; their lengths are limited, and so is
 * the size of the reply.
 */

#include "base/credentials.h"
#include "base/limits.h"
#include "bus/access.h"
#include "bus/images-object.h"
#include "bus/options.h"
#include "bus/pending-call.h"
#include "bus/remote-check.h"
#include "images/search.h"

#include <errno.h>
#include <string.h>

enum { DEFAULT_LIMIT = 25, BYTES_OF_RESULT = 256 };

static int append_result(sd_bus_message *reply, const BerthFoundRepository *found) {
    return sd_bus_message_append(reply, "(sa{sv})", found->name, 3, "Description", "s",
                                 found->description, "Stars", "t", found->stars, "Official", "b",
                                 (int)found->official);
}

/* A reply that would be too large is cut short; a search has no pages. */
static int make_reply(sd_bus_message *call, const GPtrArray *results, sd_bus_message **reply) {
    size_t bytes = 0;
    int r;

    if ((r = sd_bus_message_new_method_return(call, reply)) < 0 ||
        (r = sd_bus_message_open_container(*reply, 'a', "(sa{sv})")) < 0)
        return r;
    for (guint i = 0; i < results->len; i++) {
        const BerthFoundRepository *found = results->pdata[i];
        bytes += strlen(found->name) + strlen(found->description) + BYTES_OF_RESULT;
        if (bytes > BERTH_MAX_REPLY_BYTES)
            break;
        if ((r = append_result(*reply, found)) < 0)
            return r;
    }
    return sd_bus_message_close_container(*reply);
}

static void on_found(const GPtrArray *results, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;
    g_autoptr(sd_bus_message) reply = NULL;
    int r = error ? 0 : make_reply(pending->call, results, &reply);

    if (error)
        berth_bus_reply_error(pending->call, error);
    else if (r < 0)
        sd_bus_reply_method_errno(pending->call, r, NULL);
    else
        sd_bus_send(NULL, reply, NULL);
}

int berth_images_bus_search(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    const char *place, *term;
    int insecure = 0, tags = 0, r;
    uint64_t limit = DEFAULT_LIMIT;
    bool own = false;
    g_auto(BerthSecrets) credentials = NULL;
    const BerthOption options[] = {
        {"Tags", "b", &tags},         {"Limit", "t", &limit},
        {"Insecure", "b", &insecure}, {"Credentials", "a{ss}", &credentials},
        {NULL, NULL, NULL},
    };

    if ((r = sd_bus_message_read(call, "ss", &place, &term)) < 0 ||
        (r = berth_options_read(call, options, error)) < 0)
        return r;
    if (limit < 1 || limit > BERTH_SEARCH_MAX_RESULTS)
        return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                 "the limit of a search must be from 1 to %d",
                                 BERTH_SEARCH_MAX_RESULTS);
    /* A reference needs more parts than a search does: the rest is a placeholder. */
    g_autofree char *reference = g_strconcat(place, tags ? ":tag" : "/repository:tag", NULL);
    const BerthRemoteQuestion question = {reference, insecure, credentials};
    r = berth_remote_check(service, call, error, "pull", &question, &own, "reference", place, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    const BerthSearchRequest request = {
        .request = {.reference = reference,
                    .insecure = insecure,
                    .credentials = credentials,
                    .own = own},
        .term = term,
        .tags = tags,
        .limit = (uint32_t)limit,
    };
    BerthPendingCall *pending =
        berth_pending_call_new_charged(service, call, BERTH_RESOURCE_QUESTIONS, error);
    if (!pending)
        return -EBUSY;
    berth_images_search(service->images, &request, on_found, pending);
    return 1;
}
