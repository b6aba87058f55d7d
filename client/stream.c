/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies between descriptors of any kind. It blocks until the end of the input, a limit or an
 * error. The caller owns both descriptors and handles SIGPIPE.
 */

#include "client/stream.h"

#include "base/fd.h"
#include "client/settings.h"

#include <errno.h>
#include <unistd.h>

enum { COPY_BYTES = 256 * 1024 };

/* copied counts the bytes written, even after an error. A write to a pipe may be short, hence
 * berth_fd_write_all(). */
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
