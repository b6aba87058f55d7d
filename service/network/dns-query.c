/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A query of the Domain Name System (RFC 1035, 4.1) in a single datagram. It is repeated every
 * ASK_MSEC, since datagrams may be lost. There is no state here.
 */

#include "network/dns-query.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <glib.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum { ASK_MSEC = 50, MAX_NAME = 253, MAX_LABEL = 63, HEADER = 12, TYPE_A = 1, CLASS_IN = 1 };

/* Returns the encoded size; 0 if it is not a valid name. */
static size_t write_name(uint8_t *to, const char *name) {
    size_t size = 0;

    if (strlen(name) > MAX_NAME)
        return 0;
    while (*name) {
        size_t label = strcspn(name, ".");
        if (label == 0 || label > MAX_LABEL)
            return 0;
        to[size++] = (uint8_t)label;
        memcpy(to + size, name, label);
        size += label;
        name += label + (name[label] == '.');
    }
    to[size++] = 0;
    return size;
}

/* Returns true for a reply without an error and with at least one answer. */
static bool is_answer(const uint8_t *reply, ssize_t size, const uint8_t *question) {
    return size > HEADER && memcmp(reply, question, 2) == 0 && (reply[2] & 0x80) &&
           (reply[3] & 0x0f) == 0 && (reply[6] || reply[7]);
}

bool berth_dns_query(const char *server, const char *name, int timeout_msec) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
    uint8_t question[HEADER + MAX_NAME + 8] = {0x62, 0x74, 0x01, 0, 0, 1}, reply[512];
    size_t size = write_name(question + HEADER, name);
    berth_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (size == 0 || fd < 0 || inet_pton(AF_INET, server, &address.sin_addr) != 1 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return false;
    size += HEADER;
    question[size + 1] = TYPE_A;
    question[size + 3] = CLASS_IN;
    size += 4;
    for (; timeout_msec > 0; timeout_msec -= ASK_MSEC) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        /* ECONNREFUSED from the previous datagram: the server is not listening yet. */
        (void)send(fd, question, size, MSG_NOSIGNAL);
        if (poll(&readable, 1, ASK_MSEC) > 0 &&
            is_answer(reply, recv(fd, reply, sizeof reply, 0), question))
            return true;
        if (readable.revents & POLLERR)
            g_usleep(ASK_MSEC * 1000);
    }
    return false;
}
