/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client's descriptor in an envelope: a socket of our own that holds it as a queued message,
 * together with a note that describes it. berthd never holds the content itself: closing a file
 * description on FUSE asks its server, closing a TCP socket may linger, and both can take forever,
 * in berthd and in every process that it forks. Reading the note, passing an envelope on and
 * closing it never block; the process that works with the descriptor opens the envelope.
 * berth-relay puts everything that comes from the bus into envelopes, and holds the contents until
 * berthd has released the envelope, so that the service never closes the last reference.
 */

#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Describes the descriptor, as far as the kernel can without asking a file system. */
typedef struct {
    uint64_t device, inode, mount_id;
    uint32_t mode, uid, links; /* 0 if the kernel does not know */
    char path[PATH_MAX];       /* as in proc_pid_fd(5); "" if there is none */
} BerthEnvelopeNote;

/* Puts fd into a new envelope, which is returned; -1 with errno. The other side, in *holder, polls
 * POLLHUP once the last copy of the envelope has been closed. */
int berth_envelope_new(int fd, int *holder);

/* The content of an envelope, close-on-exec; may be called repeatedly. -1 with errno. */
int berth_envelope_open(int envelope);

/* The note of an envelope; for a descriptor that is not in one, what its note would be. False with
 * errno. */
bool berth_envelope_read(int envelope, BerthEnvelopeNote *note);

/* For a process that is started with a client's descriptors: replaces the envelopes among count
 * descriptors from first on with their contents. False with errno. */
bool berth_envelopes_open(int first, unsigned count);
