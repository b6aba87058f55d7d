/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs about contents: "dist content …". They work with digests instead of names. Content passes
 * through descriptors that the service answers, never in messages: a pipe to write to for an
 * ingest, a file to read from for an open. */

#include "client/verbs.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/credentials.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/listing.h"
#include "client/progress.h"
#include "client/stream.h"
#include "client/table.h"
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    const char *media_type;
    uint64_t min_size, max_size; /* 0: any */
    char *const *labels;
} ContentFilter;

/* The option Filter is a dictionary in a dictionary; sizes are options of their own. */
static int append_property_filter(sd_bus_message *call, const ContentFilter *filter) {
    int r;

    if (!filter->media_type && !(filter->labels && filter->labels[0]))
        return 0;
    if ((r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", "Filter")) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', "a{sv}")) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (filter->media_type &&
         (r = sd_bus_message_append(call, "{sv}", "MediaType", "s", filter->media_type)) < 0) ||
        (r = dist_append_labels(call, "Labels", filter->labels)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int append_filter(sd_bus_message *call, const void *userdata) {
    const ContentFilter *filter = userdata;
    int r = append_property_filter(call, filter);

    if (r >= 0 && filter->min_size > 0)
        r = sd_bus_message_append(call, "{sv}", "MinSize", "t", filter->min_size);
    if (r >= 0 && filter->max_size > 0)
        r = sd_bus_message_append(call, "{sv}", "MaxSize", "t", filter->max_size);
    return r;
}

/* key becomes the place at which the next page begins (listing.c). */
static int read_content(sd_bus_message *reply, char **key, void *userdata) {
    const char *digest;
    uint64_t size = 0, committed = 0;
    const DistField fields[] = {
        {"Size", "t", &size}, {"Committed", "t", &committed}, {NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &digest, fields);

    if (r <= 0)
        return r;
    dist_table_add(userdata, digest, (int64_t)size, (int64_t)committed);
    *key = g_strdup(digest);
    return 1;
}

static struct {
    char **labels;
    char *media_type;
    gint64 min_size;
    gint64 max_size;
} content_list_given;

static const DistOption content_list_options[] = {
    {"label", 0, DIST_OPTION_LIST, &content_list_given.labels,
     N_("List only those with this label"), N_("KEY[=VALUE]")},
    {"media-type", 0, DIST_OPTION_TEXT, &content_list_given.media_type,
     N_("List only contents of this media type"), N_("TYPE")},
    {"min-size", 0, DIST_OPTION_NUMBER, &content_list_given.min_size,
     N_("List only contents of at least this size"), N_("BYTES")},
    {"max-size", 0, DIST_OPTION_NUMBER, &content_list_given.max_size,
     N_("List only contents of at most this size"), N_("BYTES")},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

static int content_list(char **argv, GError **error) {
    const DistColumn columns[] = {
        {"digest", _("DIGEST"), DIST_CELL_TEXT},
        {"size", _("SIZE"), DIST_CELL_SIZE},
        {"committed", _("COMMITTED"), DIST_CELL_TIME},
        {NULL, NULL, 0},
    };

    (void)argv;
    const ContentFilter filter = {
        content_list_given.media_type, (uint64_t)MAX(content_list_given.min_size, 0),
        (uint64_t)MAX(content_list_given.max_size, 0), content_list_given.labels};
    const DistListing contents = {DIST_CONTENTS, "List", .filter = append_filter,
                                  .filter_data = &filter};
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&contents, read_content, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

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

/* The descriptor belongs to the reply, which is freed at the end of the function. */
static int content_get(char **argv, GError **error) {
    uint64_t copied;
    int fd;

    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTENTS, "Open", "sa{sv}", argv[1], 0);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "h", &fd);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    if (lseek(fd, content_get_given.offset, SEEK_SET) < 0) {
        berth_error_set_errno(error, errno, "%s", _("go to the offset"));
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

/* An ingest with the same REF goes on where an earlier one broke off. Skips the bytes that the
 * service has already: by seeking, or by reading if the input is a pipe. */
static bool skip_stored(int fd, uint64_t offset, GError **error) {
    berth_autofd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    uint64_t copied;

    if (lseek(fd, (off_t)offset, SEEK_CUR) >= 0)
        return true;
    return dist_copy(fd, null, offset, &copied, error);
}

/* Prints the digest. size and expected are 0 and "" if the caller does not know them. */
static bool commit_ingest(const char *ref, gint64 size, const char *expected, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTENTS, "Commit", "stsa{sv}", ref, (uint64_t)size, expected, 0);
    const char *digest;

    if (!reply)
        return false;
    int r = sd_bus_message_read(reply, "s", &digest);
    if (r < 0)
        return dist_bad_reply(r, error);
    puts(digest);
    return true;
}

static struct {
    char *lease;
    char *expected;
    gint64 size;
} content_ingest_given;

static const DistOption content_ingest_options[] = {
    {"lease", 0, DIST_OPTION_TEXT, &content_ingest_given.lease, N_("Keep it with this lease"),
     "ID"},
    {"expected-digest", 0, DIST_OPTION_TEXT, &content_ingest_given.expected,
     N_("Commit only if it has this digest"), N_("DIGEST")},
    {"expected-size", 0, DIST_OPTION_NUMBER, &content_ingest_given.size,
     N_("Commit only if it has this size"), N_("BYTES")},
    DIST_OPTION_END,
};

static int content_ingest(char **argv, GError **error) {
    uint64_t offset, copied;
    int pipe;

    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTENTS, "Ingest", "stsa{sv}", argv[1],
                  (uint64_t)MAX(content_ingest_given.size, 0),
                  content_ingest_given.expected ? content_ingest_given.expected : "", 1, "Lease",
                  "s", content_ingest_given.lease ? content_ingest_given.lease : "");
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "ht", &pipe, &offset);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    /* If the service closes the pipe, writing fails with EPIPE and is reported. */
    signal(SIGPIPE, SIG_IGN);
    if (!skip_stored(STDIN_FILENO, offset, error) ||
        !dist_copy(STDIN_FILENO, pipe, UINT64_MAX, &copied, error))
        return EXIT_FAILURE;
    /* The reply owns the last writable end: without it the service sees the end of the content. */
    reply = sd_bus_message_unref(reply);
    return commit_ingest(argv[1], MAX(content_ingest_given.size, 0),
                         content_ingest_given.expected ? content_ingest_given.expected : "", error)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

static int read_ingest(sd_bus_message *reply, char **key, void *userdata) {
    uint64_t offset = 0, total = 0, started = 0, updated = 0;
    const char *ref;
    const DistField fields[] = {
        {"Offset", "t", &offset},   {"Total", "t", &total}, {"Started", "t", &started},
        {"Updated", "t", &updated}, {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &ref, fields);

    if (r <= 0)
        return r;
    dist_table_add(userdata, ref, (int64_t)offset, (int64_t)total, (int64_t)started,
                   (int64_t)updated);
    *key = g_strdup(ref);
    return 1;
}

static int content_active(char **argv, GError **error) {
    const DistColumn columns[] = {
        {"ref", _("REF"), DIST_CELL_TEXT},         {"offset", _("OFFSET"), DIST_CELL_SIZE},
        {"total", _("TOTAL"), DIST_CELL_SIZE},     {"started", _("STARTED"), DIST_CELL_TIME},
        {"updated", _("UPDATED"), DIST_CELL_TIME}, {NULL, NULL, 0},
    };
    const DistListing ingests = {DIST_CONTENTS, "ListIngests"};

    (void)argv;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&ingests, read_ingest, table, error))
        return EXIT_FAILURE;
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

/* Adds the labels that the content has, except for keys that are in labels already. */
static bool merge_labels(const char *digest, GHashTable *labels, GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTENTS, "Info", "sa{sv}", digest, 0);
    const DistField fields[] = {{"Labels", "a{ss}", labels}, {NULL, NULL, NULL}};

    if (!reply)
        return false;
    int r = dist_dictionary_read(reply, fields);
    return r >= 0 || dist_bad_reply(r, error);
}

/* SetLabels replaces all labels: those that are there are read first, and one that another client
 * sets meanwhile is lost. A label with an empty value (KEY=) is left out, and so removed. */
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

/* Stores a file as content and prints its digest. fd is the caller's. */
static bool ingest_file(int fd, const char *ref, GError **error) {
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_CONTENTS, "Ingest", "stsa{sv}", ref, (uint64_t)0, "", 0);
    uint64_t offset, copied;
    int pipe;

    if (!reply)
        return false;
    int r = sd_bus_message_read(reply, "ht", &pipe, &offset);
    if (r < 0)
        return dist_bad_reply(r, error);
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0 || !dist_copy(fd, pipe, UINT64_MAX, &copied, error))
        return false;
    reply = sd_bus_message_unref(reply);
    return commit_ingest(ref, 0, "", error);
}

static bool run_editor(const char *path, GError **error) {
    const char *editor = g_getenv("VISUAL") ? g_getenv("VISUAL") : g_getenv("EDITOR");
    g_autofree char *quoted = g_shell_quote(path);
    /* As git(1) does: the variable is a shell command, which may have arguments. */
    g_autofree char *command = g_strconcat(editor ? editor : "vi", " ", quoted, NULL);
    int status = system(command); /* NOLINT: it is the caller's own command */

    return status == 0 || berth_error_set(error, BERTH_ERROR_CANCELLED,
                                          _("the editor failed; nothing was changed"));
}

/* Content cannot change: the edited text is stored as new content with another digest. The
 * temporary file has mode 0600 and is removed in any case. */
static int content_edit(char **argv, GError **error) {
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "dist-edit-XXXXXX", NULL);
    uint64_t copied;
    int fd;

    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_CONTENTS, "Open", "sa{sv}", argv[1], 0);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "h", &fd);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    berth_autofd int file = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    if (file < 0) {
        berth_error_set_errno(error, errno, _("write %s"), path);
        return EXIT_FAILURE;
    }
    bool edited = dist_copy(fd, file, UINT64_MAX, &copied, error) && run_editor(path, error);
    /* The editor may have replaced the file, and the descriptor may be of the old one. */
    berth_autofd int result = edited ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (edited && result < 0)
        berth_error_set_errno(error, errno, _("open %s"), path);
    g_autofree char *ref = g_strdup_printf("edit %d %s", (int)getpid(), argv[1]);
    bool done = result >= 0 && ingest_file(result, ref, error);
    unlink(path);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The service unpacks into the directory that dist has opened with the caller's rights. */
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

    sd_bus_message *reply = dist_call(error, DIST_CONTAINERS, "Diff", "sa{sv}", argv[1], 0);
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

/* Damaged contents are an error of this verb, so that a timer or a script notices them. */
static int content_verify(char **argv, GError **error) {
    g_auto(DistResult) result = {0};

    (void)argv;
    sd_bus_message *reply = dist_call(error, DIST_CONTENTS, "Verify", "a{sv}", 1, "Refetch", "b",
                                      (int)content_verify_given.refetch);
    if (!dist_wait_reply(reply, &result, error))
        return EXIT_FAILURE;
    for (char **digest = result.damaged; digest && *digest; digest++)
        puts(*digest);
    if (!result.damaged || !result.damaged[0])
        return EXIT_SUCCESS;
    berth_error_set(error, BERTH_ERROR_DIGEST_MISMATCH,
                    _("%u contents were damaged and set aside; pull their images again"),
                    g_strv_length(result.damaged));
    return EXIT_FAILURE;
}

static const DistVerb content_verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = N_("List contents"),
     .options = content_list_options,
     .run = content_list,
     .example = "dist content list --min-size=1000000"},
    {.name = "ls",
     .arguments = "",
     .summary = N_("List contents"),
     .options = content_list_options,
     .run = content_list},
    {.name = "get",
     .arguments = N_("DIGEST"),
     .summary = N_("Write content to standard output"),
     .options = content_get_options,
     .run = content_get,
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
     .options = content_ingest_options,
     .run = content_ingest,
     .min = 1,
     .max = 1},
    {.name = "active",
     .arguments = "",
     .summary = N_("List ingests"),
     .options = dist_table_options,
     .run = content_active},
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
     .run = content_edit,
     .min = 1,
     .max = 1},
    {.name = "apply",
     .arguments = N_("DIGEST… DIRECTORY"),
     .summary = N_("Apply layers to a directory"),
     .run = content_apply,
     .min = 2,
     .max = DIST_ANY_NUMBER},
    {.name = "diff",
     .arguments = N_("ID"),
     .summary = N_("Store the changes of a container as a layer"),
     .run = content_diff,
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
