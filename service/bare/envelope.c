/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An envelope is one end of a socketpair of a type that nothing else here uses, with a queued
 * message that has the descriptor and its note. Opening it peeks at the message (each MSG_PEEK
 * installs a new descriptor), so several processes can open the same envelope.
 */

#include "bare/envelope.h"

#include "bare/fd.h"
#include "bare/rights.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Newer than the headers of some systems that Berth is built on. */
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U
#endif

/* Describes the descriptor from what the kernel itself knows: neither call asks a file system. */
static void describe_envelope(int fd, BerthEnvelopeNote *note) {
    struct statx status = {0};
    char link[64];

    memset(note, 0, sizeof *note);
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS | STATX_MNT_ID,
              &status) == 0) {
        note->device = makedev(status.stx_dev_major, status.stx_dev_minor);
        note->inode = status.stx_ino;
        note->mount_id = status.stx_mnt_id;
        note->mode = status.stx_mode;
        note->uid = status.stx_uid;
        note->links = status.stx_nlink;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, note->path, sizeof note->path - 1);
    /* A path that fills the buffer may have been truncated, and is not used. */
    note->path[length > 0 && length < (ssize_t)sizeof note->path - 1 ? length : 0] = '\0';
}

static bool put_into_envelope(int socket, int fd) {
    BerthRights rights;
    BerthEnvelopeNote note;
    struct iovec part = {&note, sizeof note};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

    describe_envelope(fd, &note);
    part.iov_len = offsetof(BerthEnvelopeNote, path) + strlen(note.path) + 1;
    berth_rights_add(&header, &rights, fd);
    return sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

int berth_envelope_new(int fd, int *holder) {
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -1;
    /* A descriptor that cannot be sent, such as a socket nested too deeply in others
     * (ETOOMANYREFS), leaves the envelope empty; opening it then fails. */
    (void)!put_into_envelope(sockets[0], fd);
    *holder = sockets[0];
    return sockets[1];
}

/* Envelopes are the only sockets of this type among the descriptors that berthd passes where a
 * client's may be. */
static bool is_envelope(int fd) {
    int domain, type;
    socklen_t size = sizeof domain;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_UNIX)
        return false;
    size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/* Peeks at the message, which stays in the envelope. If fd is NULL, there is no room for the
 * descriptor, and the kernel installs none. */
static ssize_t envelope_peek(int envelope, BerthEnvelopeNote *note, int *fd) {
    struct iovec part = {note, sizeof *note};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    BerthRights rights;

    if (fd)
        berth_rights_expect(&header, &rights);
    ssize_t length = recvmsg(envelope, &header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (fd)
        *fd = length > 0 ? berth_rights_take(&header) : -1;
    return length;
}

int berth_envelope_open(int envelope) {
    BerthEnvelopeNote note;
    int fd;

    envelope_peek(envelope, &note, &fd);
    if (fd < 0)
        errno = EBADF;
    return fd;
}

bool berth_envelope_read(int envelope, BerthEnvelopeNote *note) {
    if (!is_envelope(envelope)) {
        describe_envelope(envelope, note);
        return true;
    }
    memset(note, 0, sizeof *note);
    if (envelope_peek(envelope, note, NULL) > (ssize_t)offsetof(BerthEnvelopeNote, path))
        return true;
    errno = EBADF;
    return false;
}

bool berth_envelopes_open(int first, unsigned count) {
    for (int fd = first; fd < first + (int)count; fd++) {
        if (!is_envelope(fd))
            continue;
        int opened = berth_envelope_open(fd);
        if (opened < 0 || dup2(opened, fd) < 0)
            return false;
        close(opened);
    }
    return true;
}
