/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist content ingest and edit: new contents, from standard input or an editor. They are written to
 * a pipe that the service returns; the ingest is complete when its last writable end is closed, and
 * becomes content with Commit.
 */

#include "client/verbs-content-ingest.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/stream.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* An ingest with the same REF continues where an earlier one broke off. Skips the bytes that the
 * service already has: by seeking, or by reading if the input is a pipe. */
static bool skip_stored(int fd, uint64_t offset, GError **error) {
    berth_autofd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    uint64_t copied;

    if (lseek(fd, (off_t)offset, SEEK_CUR) >= 0)
        return true;
    return dist_copy(fd, null, offset, &copied, error);
}

/* Prints the digest. size and expected are 0 and "" if unknown. */
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

const DistOption dist_content_ingest_options[] = {
    {"lease", 0, DIST_OPTION_TEXT, &content_ingest_given.lease, N_("Keep it with this lease"),
     "ID"},
    {"expected-digest", 0, DIST_OPTION_TEXT, &content_ingest_given.expected,
     N_("Commit only if it has this digest"), N_("DIGEST")},
    {"expected-size", 0, DIST_OPTION_NUMBER, &content_ingest_given.size,
     N_("Commit only if it has this size"), N_("BYTES")},
    DIST_OPTION_END,
};

int dist_content_ingest(char **argv, GError **error) {
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
    /* If the service closes the pipe, writing fails with EPIPE, which is reported. */
    signal(SIGPIPE, SIG_IGN);
    if (!skip_stored(STDIN_FILENO, offset, error) ||
        !dist_copy(STDIN_FILENO, pipe, UINT64_MAX, &copied, error))
        return EXIT_FAILURE;
    /* The reply owns the last writable end: freeing it ends the content for the service. */
    reply = sd_bus_message_unref(reply);
    return commit_ingest(argv[1], MAX(content_ingest_given.size, 0),
                         content_ingest_given.expected ? content_ingest_given.expected : "", error)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

/* Stores a file as content and prints its digest. The caller owns fd. */
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
    /* As in git(1): the variable is a shell command, possibly with arguments. */
    g_autofree char *command = g_strconcat(editor ? editor : "vi", " ", quoted, NULL);
    int status = system(command); /* NOLINT: it is the caller's own command */

    return status == 0 || berth_error_set(error, BERTH_ERROR_CANCELLED,
                                          _("the editor failed; nothing was changed"));
}

int dist_content_open(const char *digest, sd_bus_message **reply, GError **error) {
    int fd;

    *reply = dist_call(error, DIST_CONTENTS, "Open", "sa{sv}", digest, 0);
    if (!*reply)
        return -1;
    int r = sd_bus_message_read(*reply, "h", &fd);
    return r < 0 ? dist_bad_reply(r, error), -1 : fd;
}

/* Content is immutable: the edited text is stored as new content with another digest. The temporary
 * file has mode 0600 and is always removed. */
int dist_content_edit(char **argv, GError **error) {
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "dist-edit-XXXXXX", NULL);
    uint64_t copied;
    g_autoptr(sd_bus_message) reply = NULL;
    int fd = dist_content_open(argv[1], &reply, error);

    if (fd < 0)
        return EXIT_FAILURE;
    berth_autofd int file = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    if (file < 0) {
        berth_error_set_errno(error, errno, _("write %s"), path);
        return EXIT_FAILURE;
    }
    bool edited = dist_copy(fd, file, UINT64_MAX, &copied, error) && run_editor(path, error);
    /* The editor may have replaced the file, so that the descriptor would refer to the old one. */
    berth_autofd int result = edited ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (edited && result < 0)
        berth_error_set_errno(error, errno, _("open %s"), path);
    /* The pid keeps two editors of the same content from writing to one ingest. */
    g_autofree char *ref = g_strdup_printf("edit %d %s", (int)getpid(), argv[1]);
    bool done = result >= 0 && ingest_file(result, ref, error);
    unlink(path);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
