/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs about single objects in registries: "dist fetch-object" and "dist push-object". A fetched
 * object passes through a pipe to standard output; a pushed one is content in the store. No state
 * is kept.
 */

#include "client/verbs.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/credentials.h"
#include "client/format.h"
#include "client/object.h"
#include "client/progress.h"
#include "client/stream.h"
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    char **media_types;
    gboolean insecure;
} fetch_object_given;

static const DistOption fetch_object_options[] = {
    {"media-type", 0, DIST_OPTION_LIST, &fetch_object_given.media_types, N_("Media type to accept"),
     N_("TYPE")},
    {"insecure", 0, DIST_OPTION_FLAG, &fetch_object_given.insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_END,
};

/* A reference with an object is taken as written; a reference alone may be short, such as "redis".
 */
static int verb_fetch_object(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    const char *media_type, *digest;
    uint64_t size, copied;
    int pipe, r;

    g_autofree char *reference = argc > 2 ? g_strdup(argv[1]) : dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply =
        dist_call_fetch_object(reference, argc > 2 ? argv[2] : "", fetch_object_given.media_types,
                               fetch_object_given.insecure, error);
    if (!reply)
        return EXIT_FAILURE;
    if ((r = sd_bus_message_read(reply, "h(sst)", &pipe, &media_type, &digest, &size)) < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    if (!dist_copy(pipe, STDOUT_FILENO, UINT64_MAX, &copied, error))
        return EXIT_FAILURE;
    /* A pipe ends in the same way if the transfer fails: only the size shows that. */
    if (copied != size) {
        g_autofree char *there = dist_format_size(copied), *whole = dist_format_size(size);
        berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH, _("%s was cut off after %s of %s"),
                        digest, there, whole);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static struct {
    char *media_type;
    gboolean insecure;
} push_object_given;

static const DistOption push_object_options[] = {
    {"media-type", 0, DIST_OPTION_TEXT, &push_object_given.media_type,
     N_("Media type of the object; manifests and indexes are pushed as such"), N_("TYPE")},
    {"insecure", 0, DIST_OPTION_FLAG, &push_object_given.insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_END,
};

static int verb_push_object(char **argv, GError **error) {
    int r;

    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials = dist_find_credentials(argv[1], &local);
    sd_bus_message *call = local ? NULL : dist_new_call(&local, DIST_CONTENTS, "PushObject");
    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    if ((r = sd_bus_message_append(call, "ss", argv[2], argv[1])) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (push_object_given.media_type &&
         (r = sd_bus_message_append(call, "{sv}", "MediaType", "s", push_object_given.media_type)) <
             0) ||
        (push_object_given.insecure &&
         (r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1)) < 0) ||
        (r = dist_append_credentials(call, credentials)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), EXIT_FAILURE;
    }
    return dist_finish_transfer(dist_send(call, error), argv[2], error) ? EXIT_SUCCESS
                                                                        : EXIT_FAILURE;
}

const DistVerb dist_object_verbs[] = {
    {.name = "fetch-object",
     .arguments = N_("REFERENCE [OBJECT]"),
     .summary = N_("Write an object of a registry to standard output"),
     .options = fetch_object_options,
     .run = verb_fetch_object,
     .flags = DIST_VERB_THERE,
     .min = 1,
     .max = 2,
     .example = "dist fetch-object redis"},
    {.name = "push-object",
     .arguments = N_("REFERENCE DIGEST"),
     .summary = N_("Push a single object to a registry"),
     .options = push_object_options,
     .run = verb_push_object,
     .min = 2,
     .max = 2},
    {.name = NULL},
};
