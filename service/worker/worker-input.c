/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A BerthWorkerInput belongs to a worker, and goes through these states:
 *
 *   handshake  two lines of the worker's answer to the authentication are expected
 *   header     a message is expected
 *   message    the rest of a line or message is being passed on
 *   ended      the worker has closed its end, or has sent something else: sd-bus sees the end
 *
 * Only the length of a message is examined here, by looking at its header before anything is taken
 * from the socket (D-Bus specification, "Message Format"). sd-bus must agree on where each message
 * begins, so nothing is accepted before the first one that it could read differently. It gets a
 * socket of its own to read from, since it does not pass descriptors to the worker otherwise; those
 * that the worker sends do not get through.
 */

#include "worker/worker-input.h"

#include "base/fd.h"
#include "base/limits.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* A reply repeats a document, in which each element of a list may take a few bytes more. */
#define MAX_MESSAGE_BYTES (3u * BERTH_MAX_DOCUMENT_BYTES)

enum { HANDSHAKE_LINES = 2, HEADER_BYTES = 16, PART_BYTES = 32 * 1024 };

struct BerthWorkerInput {
    sd_event_source *source;
    int socket, output;
    unsigned lines; /* that are still expected */
    size_t left;    /* of the current line or message */
    BerthWorkerInputRefused refused;
    void *userdata;
};

static void input_end(BerthWorkerInput *input) {
    sd_event_source_set_enabled(input->source, SD_EVENT_OFF);
    berth_fd_clear(&input->output);
}

/* Returns the length of one of the two lines that sd-bus sends, with its end; 0 for anything
 * else. */
static size_t measure_line(const char *text, size_t size) {
    static const char descriptors[] = "AGREE_UNIX_FD\r\n", good[] = "OK ";
    enum { ID_DIGITS = 32, GOOD_BYTES = sizeof good - 1 + ID_DIGITS + 2 };

    if (size >= sizeof descriptors - 1 && memcmp(text, descriptors, sizeof descriptors - 1) == 0)
        return sizeof descriptors - 1;
    if (size < GOOD_BYTES || memcmp(text, good, sizeof good - 1) != 0 ||
        memcmp(text + GOOD_BYTES - 2, "\r\n", 2) != 0)
        return 0;
    for (size_t i = sizeof good - 1; i < GOOD_BYTES - 2; i++)
        if (!isxdigit((unsigned char)text[i]))
            return 0;
    return GOOD_BYTES;
}

/* Returns the length of the message with this header; 0 if there is no header, or if the message is
 * too long. sd-bus writes a header in one piece, so a part of one is refused. */
static size_t measure_message(const char *header, size_t size) {
    uint32_t body, fields;

    if (size < HEADER_BYTES || (header[0] != 'l' && header[0] != 'B'))
        return 0;
    memcpy(&body, header + 4, sizeof body);
    memcpy(&fields, header + 12, sizeof fields);
    body = header[0] == 'l' ? GUINT32_FROM_LE(body) : GUINT32_FROM_BE(body);
    fields = header[0] == 'l' ? GUINT32_FROM_LE(fields) : GUINT32_FROM_BE(fields);
    if (body > MAX_MESSAGE_BYTES || fields > MAX_MESSAGE_BYTES)
        return 0;
    /* The fields are padded to a multiple of 8. */
    size_t all = HEADER_BYTES + (((size_t)fields + 7) & ~(size_t)7) + body;
    return all <= MAX_MESSAGE_BYTES ? all : 0;
}

/* Sets left for what begins with these bytes: the lines that are there, or a message. Returns false
 * if no worker sends that. */
static bool input_measure(BerthWorkerInput *input, const char *next, size_t size) {
    size_t line;

    if (input->lines == 0)
        input->left = measure_message(next, size);
    for (; input->lines > 0; input->lines--) {
        if ((line = measure_line(next + input->left, size - input->left)) == 0)
            break;
        input->left += line;
    }
    if (input->left > 0)
        return true;
    input_end(input);
    input->refused(input->userdata);
    return false;
}

/* Takes from the socket only what was passed on: as long as the output is full, the socket stays
 * readable, and this is called again. */
static int input_on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthWorkerInput *input = userdata;
    char part[PART_BYTES];
    ssize_t size = recv(fd, part, sizeof part, MSG_PEEK | MSG_DONTWAIT);

    (void)source;
    (void)events;
    if (size > 0 && input->left == 0 && !input_measure(input, part, (size_t)size))
        return 0;
    if (size > 0)
        size =
            send(input->output, part, MIN((size_t)size, input->left), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size > 0)
        size = recv(fd, part, (size_t)size, MSG_DONTWAIT);
    if (size > 0)
        input->left -= (size_t)size;
    else if (size == 0 || (errno != EAGAIN && errno != EINTR))
        input_end(input);
    return 0;
}

BerthWorkerInput *berth_worker_input_new(sd_event *event, int socket, int *passed,
                                         BerthWorkerInputRefused refused, void *userdata,
                                         GError **error) {
    g_autoptr(BerthWorkerInput) input = g_new0(BerthWorkerInput, 1);
    int ends[2], r;

    input->output = -1;
    input->lines = HANDSHAKE_LINES;
    input->refused = refused;
    input->userdata = userdata;
    /* A duplicate: sd-bus itself watches the original, and closes it. */
    input->socket = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (input->socket < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        berth_error_set_errno(error, errno, "make a socket");
        return NULL;
    }
    berth_autofd int readable = ends[0];
    input->output = ends[1];
    if ((r = sd_event_add_io(event, &input->source, input->socket, EPOLLIN, input_on_ready,
                             input)) < 0) {
        berth_error_set_errno(error, r, "make a socket");
        return NULL;
    }
    *passed = berth_fd_steal(&readable);
    return g_steal_pointer(&input);
}

void berth_worker_input_free(BerthWorkerInput *input) {
    if (!input)
        return;
    if (input->source)
        sd_event_source_disable_unref(input->source);
    berth_fd_clear(&input->socket);
    berth_fd_clear(&input->output);
    g_free(input);
}
