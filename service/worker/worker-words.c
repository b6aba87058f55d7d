/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The standard error of a worker is a pipe, not the journal: one that was taken over could write
 * there without end, until journald's rate limit of berthd.service dropped berthd's own entries,
 * those about decisions among them, or with a priority that reaches every terminal. The pipe is
 * read once, after the worker has ended, and becomes one warning; journald counts these apart from
 * entries of a lower priority. What does not fit into the pipe is lost, as errors of EAGAIN. There
 * is no state here.
 */

#include "worker/worker-words.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/worker-members.h"

#include <errno.h>

/* More than a report of a sanitizer has; less than a pipe holds, or a value in an entry. */
enum { MAX_BYTES = 32 * 1024 };

bool berth_worker_words_new(int *ours, int *theirs, GError **error) {
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return berth_error_set_errno(error, errno, "make a pipe");
    berth_autofd int readable = ends[0], writable = ends[1];
    berth_autofd int moved = fcntl(writable, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);
    if (moved < 0)
        return berth_error_set_errno(error, errno, "make a pipe");
    *ours = berth_fd_steal(&readable);
    *theirs = berth_fd_steal(&moved);
    return true;
}

/* Lines stay lines; other control characters could reach a terminal. */
static void clean(char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if ((g_ascii_iscntrl(text[i]) && text[i] != '\n' && text[i] != '\t') || text[i] == '\0')
            text[i] = '?';
}

void berth_worker_words_log(int ours, const char *kind, const char *container) {
    g_autofree char *text = ours < 0 ? NULL : g_malloc(MAX_BYTES + 1);
    size_t size = 0;
    ssize_t part;

    while (text && size < MAX_BYTES && (part = read(ours, text + size, MAX_BYTES - size)) != 0) {
        if (part < 0 && errno != EINTR)
            break;
        size += part < 0 ? 0 : (size_t)part;
    }
    if (size == 0)
        return;
    clean(text, size);
    text[size] = '\0';
    g_autofree char *valid = g_utf8_make_valid(g_strchomp(text), -1);
    berth_log_warning(container ? "BERTH_CONTAINER" : NULL, container,
                      "berth-%s wrote to its standard error:\n%s", kind, valid);
}
