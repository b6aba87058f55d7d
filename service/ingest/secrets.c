/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies secrets from their descriptors into one file; there is no state. Reading may wait for as
 * long as the caller likes: berthd ends this process when its time is over. A descriptor may be
 * non-blocking, such as a pipe that the caller made for its own use.
 */

#include "ingest/secrets.h"

#include "bare/secrets.h"
#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 16 * 1024 };

/* Like read(2), but waits for data. */
static ssize_t secret_read(int input, void *buffer, size_t size) {
    for (;;) {
        ssize_t got = read(input, buffer, size);
        struct pollfd wait = {.fd = input, .events = POLLIN};
        if (got >= 0 || (errno != EAGAIN && errno != EINTR))
            return got;
        if (errno == EAGAIN && poll(&wait, 1, -1) < 0 && errno != EINTR)
            return -1;
    }
}

/* Read into memory, since the size precedes the contents in the file. */
static GByteArray *secret_read_whole(const char *name, int input, uint64_t limit, GError **error) {
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    char buffer[BUFFER_BYTES];
    ssize_t got;

    while ((got = secret_read(input, buffer, sizeof buffer)) > 0) {
        if ((uint64_t)got > limit - bytes->len) {
            berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                            "the secret \"%s\" is larger than the limit of %" G_GUINT64_FORMAT
                            " bytes",
                            name, (guint64)limit);
            return NULL;
        }
        g_byte_array_append(bytes, (const guint8 *)buffer, (guint)got);
    }
    if (got == 0)
        return g_steal_pointer(&bytes);
    berth_error_set_errno(error, errno, "read the secret \"%s\"", name);
    return NULL;
}

/* A variable ends at its first NUL byte, and has less room than a file. */
static bool secret_check_variable(const char *variable, const GByteArray *bytes, GError **error) {
    if (strlen(variable) + strlen("=") + bytes->len + 1 > BERTH_SECRET_VARIABLE_BYTES)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "the secret of the variable \"%s\" is larger than a variable may "
                               "be, %d bytes with its name",
                               variable, BERTH_SECRET_VARIABLE_BYTES);
    return bytes->len == 0 || !memchr(bytes->data, '\0', bytes->len) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the secret of the variable \"%s\" has a zero byte", variable);
}

/* The header has room for the name and its terminating NUL (bare/secrets.h). */
bool berth_ingest_secret(int file, const char *name, int input, uint64_t limit, uint64_t *used,
                         GError **error) {
    BerthSecretHeader header = {.size = 0};
    bool is_variable = name[0] == BERTH_SECRET_VARIABLE;
    const char *shown = berth_secret_skip_owner(name) + is_variable;
    g_autoptr(GByteArray) bytes = secret_read_whole(shown, input, limit, error);

    if (!bytes)
        return false;
    if (is_variable && !secret_check_variable(shown, bytes, error))
        return false;
    if (strlen(name) >= sizeof header.name)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the name of a secret is too long");
    strcpy(header.name, name);
    header.size = bytes->len;
    if (!berth_fd_write_all(file, &header, sizeof header) ||
        !berth_fd_write_all(file, bytes->data, bytes->len))
        return berth_error_set_errno(error, errno, "keep the secret \"%s\"", shown);
    *used += sizeof header + header.size;
    return true;
}
