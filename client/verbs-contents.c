/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs about contents, "dist content …", which take digests instead of names: their table, and
 * those about stored contents. Content passes through descriptors that the service returns, never
 * in messages.
 */

#include "client/verbs.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/progress.h"
#include "client/stream.h"
#include "client/table.h"
#include "client/verbs-content-ingest.h"
#include "client/verbs-content-list.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    gint64 offset;
    gint64 length;
} content_get_given = {.length = -1};

static const DistOption content_get_options[] = {
    {"offset", 0, DIST_OPTION_NUMBER, &content_get_given.offset, N_("Start at this byte"),
     N_("BYTES")},
    {"length", 0, DIST_OPTION_NUMBER, &content_get_given.length,
     N_("Write at most this many bytes"), N_("BYTES")},
    DIST_OPTION_END,
};

static int content_get(char **argv, GError **error) {
    uint64_t copied;
    g_autoptr(sd_bus_message) reply = NULL;
    int fd = dist_content_open(argv[1], &reply, error);

    if (fd < 0)
        return EXIT_FAILURE;
    /* Seeking beyond the end is not an error (lseek(2)): nothing is written then. */
    if (lseek(fd, content_get_given.offset, SEEK_SET) < 0) {
        berth_error_set_errno(error, errno, "%s", _("seek to the offset"));
        return EXIT_FAILURE;
    }
    return dist_copy(fd, STDOUT_FILENO,
                     content_get_given.length < 0 ? UINT64_MAX : (uint64_t)content_get_given.length,
                     &copied, error)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

static int content_info(char **argv, GError **error) {
    const DistColumn columns[] = {
        {"digest", _("DIGEST"), DIST_CELL_TEXT},
        {"size", _("SIZE"), DIST_CELL_NUMBER},
        {"committed", _("COMMITTED"), DIST_CELL_TIME},
        {NULL, NULL, 0},
    };
    uint64_t size = 0, committed = 0;
    const DistField fields[] = {
        {"Size", "t", &size}, {"Committed", "t", &committed}, {NULL, NULL, NULL}};

    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTENTS, "Info", "sa{sv}", argv[1], 0);
    if (!reply)
        return EXIT_FAILURE;
    int r = dist_dictionary_read(reply, fields);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    dist_table_add(table, argv[1], (int64_t)size, (int64_t)committed);
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int content_abort(char **argv, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTENTS, "Abort", "sa{sv}", argv[1], 0);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct { gboolean force; } content_rm_given;

static const DistOption content_rm_options[] = {
    {"force", 'f', DIST_OPTION_FLAG, &content_rm_given.force,
     N_("Delete it even if an image needs it"), NULL},
    DIST_OPTION_END,
};

static int content_rm(char **argv, GError **error) {
    (void)error;
    return dist_delete_each(DIST_CONTENTS, content_rm_given.force, argv + 1);
}

/* Adds the labels that the content has, except for keys that labels already contains. */
static bool merge_labels(const char *digest, GHashTable *labels, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTENTS, "Info", "sa{sv}", digest, 0);
    const DistField fields[] = {{"Labels", "a{ss}", labels}, {NULL, NULL, NULL}};

    if (!reply)
        return false;
    int r = dist_dictionary_read(reply, fields);
    return r >= 0 || dist_bad_reply(r, error);
}

/* SetLabels replaces all labels, so the current ones are read first; a label that another client
 * sets in between is lost. A label with an empty value (KEY=) is omitted and thereby removed. */
static int content_label(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    g_autoptr(GHashTable) labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iterator;
    gpointer key, value;

    for (int i = 2; i < argc; i++) {
        g_auto(GStrv) parts = g_strsplit(argv[i], "=", 2);
        g_hash_table_replace(labels, g_strdup(parts[0]), g_strdup(parts[1] ? parts[1] : ""));
    }
    if (!merge_labels(argv[1], labels, error))
        return EXIT_FAILURE;
    g_hash_table_iter_init(&iterator, labels);
    while (g_hash_table_iter_next(&iterator, &key, &value))
        if (((const char *)value)[0])
            g_ptr_array_add(pairs, g_strconcat(key, "=", value, NULL));
    g_ptr_array_add(pairs, NULL);
    sd_bus_message *call = dist_new_call(error, DIST_CONTENTS, "SetLabels");
    if (!call)
        return EXIT_FAILURE;
    int r = sd_bus_message_append(call, "s", argv[1]);
    if (r < 0 || (r = dist_append_label_map(call, (char *const *)pairs->pdata)) < 0 ||
        (r = sd_bus_message_append(call, "a{sv}", 0)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The service unpacks into the directory, which dist has opened with the caller's rights. */
static int content_apply(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    g_auto(DistResult) result = {0};
    int r;

    berth_autofd int directory = open(argv[argc - 1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        berth_error_set_errno(error, errno, _("open %s"), argv[argc - 1]);
        return EXIT_FAILURE;
    }
    /* The other arguments are the digests. */
    argv[argc - 1] = NULL;
    sd_bus_message *call = dist_new_call(error, DIST_CONTENTS, "Apply");
    if (!call)
        return EXIT_FAILURE;
    if ((r = sd_bus_message_append_strv(call, argv + 1)) < 0 ||
        (r = sd_bus_message_append(call, "ha{sv}", directory, 0)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), EXIT_FAILURE;
    }
    return dist_wait_reply(dist_send(call, error), &result, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int content_diff(char **argv, GError **error) {
    g_auto(DistResult) result = {0};

    sd_bus_message *reply =
        dist_call(error, DIST_CONTAINERS, "Diff", "sa{sv}", argv[1], 1, "Pause", "b", 1);
    if (!dist_wait_reply(reply, &result, error))
        return EXIT_FAILURE;
    puts(result.digest);
    return EXIT_SUCCESS;
}

static struct { gboolean refetch; } content_verify_given;

static const DistOption content_verify_options[] = {
    {"refetch", 0, DIST_OPTION_FLAG, &content_verify_given.refetch,
     N_("Fetch damaged contents again from their source"), NULL},
    DIST_OPTION_END,
};

/* Corrupt content is an error of this verb, so that a timer or a script notices it. */
static int content_verify(char **argv, GError **error) {
    g_auto(DistResult) result = {0};

    (void)argv;
    sd_bus_message *reply = dist_call(error, DIST_CONTENTS, "Verify", "a{sv}", 1, "Refetch", "b",
                                      (int)content_verify_given.refetch);
    if (!dist_wait_reply(reply, &result, error))
        return EXIT_FAILURE;
    for (char **digest = result.damaged; digest && *digest; digest++)
        puts(*digest);
    if (!result.damaged || !result.damaged[0]) {
        if (!dist_settings.quiet)
            fprintf(stderr, "%s\n", _("all contents are undamaged"));
        return EXIT_SUCCESS;
    }
    berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH,
                    _("%u contents were damaged and set aside; pull their images again"),
                    g_strv_length(result.damaged));
    return EXIT_FAILURE;
}

static const DistVerb content_verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = N_("List contents"),
     .options = dist_content_list_options,
     .run = dist_content_list,
     .example = "dist content list --min-size=1000000"},
    {.name = "ls",
     .arguments = "",
     .summary = N_("List contents"),
     .options = dist_content_list_options,
     .run = dist_content_list},
    {.name = "get",
     .arguments = N_("DIGEST"),
     .summary = N_("Write content to standard output"),
     .options = content_get_options,
     .run = content_get,
     .flags = DIST_VERB_THERE,
     .min = 1,
     .max = 1},
    {.name = "info",
     .arguments = N_("DIGEST"),
     .summary = N_("Show size and time of content"),
     .options = dist_table_options,
     .run = content_info,
     .min = 1,
     .max = 1},
    {.name = "ingest",
     .arguments = N_("REF"),
     .summary = N_("Store standard input as content"),
     .options = dist_content_ingest_options,
     .run = dist_content_ingest,
     .flags = DIST_VERB_THERE,
     .min = 1,
     .max = 1},
    {.name = "active",
     .arguments = "",
     .summary = N_("List ingests"),
     .options = dist_table_options,
     .run = dist_content_active},
    {.name = "abort",
     .arguments = N_("REF"),
     .summary = N_("Abort an ingest and delete what it stored"),
     .run = content_abort,
     .min = 1,
     .max = 1},
    {.name = "rm",
     .arguments = N_("DIGEST…"),
     .summary = N_("Delete content"),
     .options = content_rm_options,
     .run = content_rm,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "label",
     .arguments = N_("DIGEST KEY=VALUE…"),
     .summary = N_("Label content; KEY= removes a label"),
     .run = content_label,
     .min = 2,
     .max = DIST_ANY_NUMBER},
    {.name = "edit",
     .arguments = N_("DIGEST"),
     .summary = N_("Edit content; the result is stored as new content"),
     .run = dist_content_edit,
     .flags = DIST_VERB_THERE,
     .min = 1,
     .max = 1},
    {.name = "apply",
     .arguments = N_("DIGEST… DIRECTORY"),
     .summary = N_("Apply layers to a directory"),
     .run = content_apply,
     .flags = DIST_VERB_THERE,
     .min = 2,
     .max = DIST_ANY_NUMBER},
    {.name = "diff",
     .arguments = N_("ID"),
     .summary = N_("Store the changes of a container as a layer"),
     .run = content_diff,
     .flags = DIST_VERB_THERE,
     .min = 1,
     .max = 1},
    {.name = "verify",
     .arguments = "",
     .summary = N_("Check that all contents match their digests"),
     .options = content_verify_options,
     .run = content_verify},
    {.name = NULL},
};

const DistVerb dist_content_verbs[] = {
    {.name = "content",
     .arguments = "VERB",
     .summary = N_("Work with contents by digest"),
     .verbs = content_verbs},
    {.name = NULL},
};
