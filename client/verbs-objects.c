/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs about single objects of registries: "dist fetch-object" and "dist push-object". */

#include "base/fd.h"
#include "config.h"
#include "credentials.h"
#include "dist.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { COPY_BYTES = 256 * 1024 };

bool dist_copy(int from, int to, uint64_t limit, uint64_t *copied, GError **error) {
    g_autofree char *buffer = g_malloc(COPY_BYTES);

    *copied = 0;
    while (*copied < limit) {
        ssize_t got = read(from, buffer, MIN((uint64_t)COPY_BYTES, limit - *copied));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return berth_error_set_errno(error, errno, "%s", _("read"));
        if (got == 0)
            break;
        if (!berth_fd_write_all(to, buffer, (size_t)got))
            return berth_error_set_errno(error, errno, "%s", _("write"));
        *copied += (uint64_t)got;
    }
    return true;
}

static sd_bus_message *call_fetch_object(const char *reference, const char *object,
                                         char *const *media_types, bool insecure, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials = dist_find_credentials(reference, &local);
    sd_bus_message *call = local ? NULL : dist_new_call(&local, DIST_CONTENTS, "FetchObject");
    int r;

    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    if ((r = sd_bus_message_append(call, "ss", reference, object)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = dist_append_strings(call, "MediaTypes", media_types)) < 0 ||
        (insecure && (r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1)) < 0) ||
        (r = dist_append_credentials(call, credentials)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), NULL;
    }
    return dist_send(call, error);
}

int dist_fetch_object(const char *reference, const char *object, bool insecure, GError **error) {
    g_autoptr(sd_bus_message) reply = call_fetch_object(reference, object, NULL, insecure, error);
    int pipe;

    if (!reply)
        return -1;
    int r = sd_bus_message_read(reply, "h", &pipe);
    if (r < 0)
        return dist_bad_reply(r, error), -1;
    return fcntl(pipe, F_DUPFD_CLOEXEC, 3);
}

static int verb_fetch_object(int argc, char **argv, GError **error) {
    g_auto(GStrv) media_types = NULL;
    gboolean insecure = FALSE;
    const GOptionEntry options[] = {
        {"media-type", 0, 0, G_OPTION_ARG_STRING_ARRAY, &media_types, N_("Media type to accept"),
         N_("TYPE")},
        {"insecure", 0, 0, G_OPTION_ARG_NONE, &insecure,
         N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    const char *media_type, *digest;
    uint64_t size, copied;
    int pipe, r;

    if (!dist_parse(_("REFERENCE [OBJECT]"), _("Write one object of a remote to standard output."),
                    options, false, &argc, &argv, error) ||
        !dist_check_count(argc, 1, 2, error))
        return EXIT_FAILURE;
    g_autofree char *reference = argc > 2 ? g_strdup(argv[1]) : dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply =
        call_fetch_object(reference, argc > 2 ? argv[2] : "", media_types, insecure, error);
    if (!reply)
        return EXIT_FAILURE;
    if ((r = sd_bus_message_read(reply, "h(sst)", &pipe, &media_type, &digest, &size)) < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    if (!dist_copy(pipe, STDOUT_FILENO, UINT64_MAX, &copied, error))
        return EXIT_FAILURE;
    if (copied != size) {
        g_autofree char *there = dist_format_size(copied), *whole = dist_format_size(size);
        berth_error_set(error, BERTH_ERROR_SIZE_MISMATCH, _("%s broke off after %s of %s"), digest,
                        there, whole);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int verb_push_object(int argc, char **argv, GError **error) {
    gboolean insecure = FALSE;
    g_autofree char *media_type = NULL;
    const GOptionEntry options[] = {
        {"media-type", 0, 0, G_OPTION_ARG_STRING, &media_type,
         N_("What it is; a manifest or index is put as such"), N_("TYPE")},
        {"insecure", 0, 0, G_OPTION_ARG_NONE, &insecure,
         N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int r;

    if (!dist_parse(_("REFERENCE DIGEST"), _("Send one object to a registry."), options, false,
                    &argc, &argv, error) ||
        !dist_check_count(argc, 2, 2, error))
        return EXIT_FAILURE;
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials = dist_find_credentials(argv[1], &local);
    sd_bus_message *call = local ? NULL : dist_new_call(&local, DIST_CONTENTS, "PushObject");
    if (!call) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    if ((r = sd_bus_message_append(call, "ss", argv[2], argv[1])) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (media_type &&
         (r = sd_bus_message_append(call, "{sv}", "MediaType", "s", media_type)) < 0) ||
        (insecure && (r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1)) < 0) ||
        (r = dist_append_credentials(call, credentials)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), EXIT_FAILURE;
    }
    return dist_finish_transfer(dist_send(call, error), argv[2], error) ? EXIT_SUCCESS
                                                                        : EXIT_FAILURE;
}

const DistVerb dist_object_verbs[] = {
    {"fetch-object", "REFERENCE [OBJECT]", N_("write one object of a remote to standard output"),
     verb_fetch_object},
    {"push-object", "REFERENCE DIGEST", N_("send one object to a registry"), verb_push_object},
    {NULL, NULL, NULL, NULL},
};
