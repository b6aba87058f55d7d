/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-relay: reads what the bus sends to the service and passes it on, with each descriptor in an
 * envelope (bare/envelope.h). It determines the length of messages and interprets nothing else in
 * them. The service sends its own messages directly to the bus.
 *
 * The relay holds the content of an envelope until the last copy of the envelope has been closed,
 * and then closes it in a thread, so that only this thread blocks if the file system does not
 * respond. All threads share one descriptor table, which includes the bus, so a thread that cannot
 * end would keep the connection open: therefore the connection is shut down at the end.
 */

#include "bare/envelope.h"
#include "base/fd.h"
#include "relay/sandbox.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* The numbers of the descriptors that berthd passes. */
enum { SERVICE_FD = 3, BUS_FD = 4 };

/* CHUNK_BYTES is the most that is passed on at once. MAX_RIGHTS is the most descriptors that the
 * kernel accepts with one message (SCM_MAX_FD, unix(7)). HEADER_BYTES is the fixed part of a D-Bus
 * message. */
enum { CHUNK_BYTES = 64 * 1024, MAX_RIGHTS = 253, HEADER_BYTES = 16 };

/* MAX_CLOSERS threads may block at the same time; further descriptors wait until one of them is
 * free. */
enum { MAX_CLOSERS = 1024, STACK_BYTES = 32 * 1024, MAX_IDLE = 2 };

typedef struct HeldDescriptor {
    struct HeldDescriptor *next;
    int holder; /* the relay's side of the envelope */
    int fd;
} HeldDescriptor;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    HeldDescriptor *first, **last;
    unsigned threads, idle;
} closing = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, &closing.first, 0, 0};

static int poller;

/* Ends the connection to the bus now, and not only when the last thread that shares its descriptor
 * has ended. */
static void __attribute__((noreturn)) relay_end(int status) {
    (void)shutdown(BUS_FD, SHUT_RDWR);
    _exit(status);
}

static void *run_closer(void *unused) {
    (void)unused;
    pthread_mutex_lock(&closing.lock);
    for (;;) {
        while (!closing.first) {
            if (closing.idle == MAX_IDLE) {
                closing.threads--;
                pthread_mutex_unlock(&closing.lock);
                return NULL;
            }
            closing.idle++;
            pthread_cond_wait(&closing.more, &closing.lock);
            closing.idle--;
        }
        HeldDescriptor *held = closing.first;
        if (!(closing.first = held->next))
            closing.last = &closing.first;
        pthread_mutex_unlock(&closing.lock);
        /* Without the lock: on a client's file system this may block forever. */
        close(held->fd);
        free(held);
        pthread_mutex_lock(&closing.lock);
    }
}

static void start_closer(void) {
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, run_closer, NULL) == 0)
        closing.threads++;
    pthread_attr_destroy(&attributes);
}

static void close_later(HeldDescriptor *held) {
    pthread_mutex_lock(&closing.lock);
    held->next = NULL;
    *closing.last = held;
    closing.last = &held->next;
    if (closing.idle == 0 && closing.threads < MAX_CLOSERS)
        start_closer();
    pthread_cond_signal(&closing.more);
    pthread_mutex_unlock(&closing.lock);
}

/* Returns the envelope to send to the service in place of fd, which it takes ownership of. */
static int hold_descriptor(int fd) {
    HeldDescriptor *held = calloc(1, sizeof *held);
    int envelope = held ? berth_envelope_new(fd, &held->holder) : -1;
    struct epoll_event event = {.data.ptr = held};

    /* No events are requested: EPOLLHUP is always reported (epoll_ctl(2)). */
    if (envelope < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, held->holder, &event) < 0)
        relay_end(EXIT_FAILURE);
    held->fd = fd;
    return envelope;
}

typedef union {
    char bytes[CMSG_SPACE(MAX_RIGHTS * sizeof(int))];
    struct cmsghdr align;
} Control;

typedef enum {
    RELAY_LINES,  /* lines of the authentication, before the first message */
    RELAY_HEADER, /* the first bytes of a message, which contain its size */
    RELAY_REST,   /* the rest of the message */
} RelayState;

/* The data that is being passed on. The kernel delivers descriptors with any part of the data that
 * they were sent with, so a single read must not extend beyond one message: this is how descriptors
 * stay with their message. */
static struct {
    unsigned char bytes[CHUNK_BYTES];
    size_t have;
    RelayState state;
    uint64_t left; /* bytes of the message that have not been read yet; in RELAY_REST */
    int envelopes[MAX_RIGHTS];
    size_t count;
} present;

/* Replaces each descriptor with an envelope. The relay exits if a message has more of them than
 * could be sent on together. */
static void take_rights(struct msghdr *header) {
    struct cmsghdr *rights = CMSG_FIRSTHDR(header);

    if (!rights || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)
        return;
    size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    int fds[MAX_RIGHTS];
    memcpy(fds, CMSG_DATA(rights), count * sizeof(int));
    for (size_t i = 0; i < count; i++) {
        if (present.count == MAX_RIGHTS)
            relay_end(EXIT_FAILURE);
        present.envelopes[present.count++] = hold_descriptor(fds[i]);
    }
}

static void add_rights(struct msghdr *header, Control *control) {
    header->msg_control = control->bytes;
    header->msg_controllen = CMSG_SPACE(present.count * sizeof(int));
    struct cmsghdr *rights = &control->align;
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(present.count * sizeof(int));
    memcpy(CMSG_DATA(rights), present.envelopes, present.count * sizeof(int));
}

static void relay_pass_on(void) {
    size_t done = 0;

    while (done < present.have) {
        Control control = {0};
        struct iovec part = {present.bytes + done, present.have - done};
        struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
        if (present.count > 0)
            add_rights(&header, &control);
        ssize_t sent = sendmsg(SERVICE_FD, &header, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            relay_end(EXIT_SUCCESS);
        done += (size_t)sent;
        /* The receiver now has the envelopes. A copy here would keep their contents held as long as
         * the relay runs. */
        while (present.count > 0)
            close(present.envelopes[--present.count]);
    }
    /* It may have had a password in it. */
    explicit_bzero(present.bytes, present.have);
    present.have = 0;
}

/* Numbers in a message are in the byte order that its first byte indicates (D-Bus specification,
 * "Message Format"). */
static uint32_t read_header_number(size_t offset) {
    uint32_t number;

    memcpy(&number, present.bytes + offset, sizeof number);
    return present.bytes[0] == 'l' ? le32toh(number) : be32toh(number);
}

/* How much may be read without touching the next message. Lines are read byte by byte, since only
 * the first byte distinguishes a message from a line. */
static size_t find_want(void) {
    size_t room = sizeof present.bytes - present.have;

    switch (present.state) {
    case RELAY_LINES:
        return 1;
    case RELAY_HEADER:
        return HEADER_BYTES - present.have;
    case RELAY_REST:
        return present.left < room ? (size_t)present.left : room;
    }
    relay_end(EXIT_FAILURE);
}

/* The length of the body is at offset 4, that of the header fields at 12; the fields are padded to
 * a multiple of eight bytes (D-Bus specification, "Message Format"). */
static uint64_t read_rest_size(void) {
    return (uint64_t)read_header_number(4) + (((uint64_t)read_header_number(12) + 7) & ~7ull);
}

/* Counts the bytes read and passes them on at the end of a line, a message, or the buffer. */
static void note_read(size_t size) {
    bool starts = present.have == 0;

    present.have += size;
    if (present.state == RELAY_LINES && starts &&
        (present.bytes[0] == 'l' || present.bytes[0] == 'B'))
        present.state = RELAY_HEADER;
    if (present.state == RELAY_LINES) {
        if (present.bytes[present.have - 1] == '\n' || present.have == sizeof present.bytes)
            relay_pass_on();
        return;
    }
    if (present.state == RELAY_REST) {
        present.left -= size;
    } else if (present.have == HEADER_BYTES) {
        present.state = RELAY_REST;
        present.left = read_rest_size();
    }
    if (present.state == RELAY_REST &&
        (present.left == 0 || present.have == sizeof present.bytes)) {
        relay_pass_on();
        present.state = present.left > 0 ? RELAY_REST : RELAY_HEADER;
    }
}

static void relay_messages(void) {
    for (;;) {
        Control control;
        struct iovec part = {present.bytes + present.have, find_want()};
        struct msghdr header = {.msg_iov = &part,
                                .msg_iovlen = 1,
                                .msg_control = control.bytes,
                                .msg_controllen = sizeof control.bytes};
        ssize_t size = recvmsg(BUS_FD, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EAGAIN)
            return;
        /* Losing a descriptor would shift those that follow. */
        if (size <= 0 || (header.msg_flags & MSG_CTRUNC))
            relay_end(size == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        take_rights(&header);
        note_read((size_t)size);
    }
}

/* The last copy of the envelope has been closed. */
static void let_go(HeldDescriptor *held) {
    (void)epoll_ctl(poller, EPOLL_CTL_DEL, held->holder, NULL);
    close(held->holder);
    close_later(held);
}

static void __attribute__((noreturn)) relay_run(void) {
    struct epoll_event events[64];
    struct epoll_event bus = {.events = EPOLLIN, .data.fd = BUS_FD};
    struct epoll_event service = {.data.fd = SERVICE_FD};

    /* Their addresses distinguish these two from pointers to held descriptors. */
    bus.data.ptr = &bus;
    service.data.ptr = &service;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, BUS_FD, &bus) < 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, SERVICE_FD, &service) < 0)
        relay_end(EXIT_FAILURE);
    for (;;) {
        int count = epoll_wait(poller, events, sizeof events / sizeof *events, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &service)
                relay_end(EXIT_SUCCESS);
            if (events[i].data.ptr == &bus)
                relay_messages();
            else
                let_go(events[i].data.ptr);
        }
    }
}

int main(void) {
    if (fcntl(SERVICE_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(BUS_FD, F_SETFD, FD_CLOEXEC) < 0) {
        fputs("berth-relay is started by berthd, not by hand\n", stderr);
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0 || !berth_relay_sandbox_enter()) {
        perror("berth-relay: cannot give up its privileges");
        return EXIT_FAILURE;
    }
    relay_run();
}
