/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client's descriptor, in an envelope: a socket of our own in which it lies as a message, with a
 * note of what it is. berthd never holds what is inside: closing a description of a FUSE file
 * system asks its server, closing a TCP socket may linger, and both can take for ever, in berthd
 * and in every process that it forks. Reading the note, passing an envelope on and closing it never
 * wait; the process that works with the descriptor opens it. berth-relay makes them of all that
 * comes from the bus, and holds what is inside until berthd has released the envelope, so that the
 * last reference is never ours to give up.
 */

#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A description of the descriptor, as far as the kernel knows it without asking a file system. */
typedef struct {
    uint64_t device, inode, mount_id;
    uint32_t mode, uid, links; /* 0 if the kernel does not know */
    char path[PATH_MAX];       /* as proc_pid_fd(5) has it; "" for none */
} BerthEnvelopeNote;

/* Puts fd into a new envelope, which is returned; -1 with errno. The other side, in *holder, polls
 * POLLHUP when the last copy of the envelope is closed. */
int berth_envelope_new(int fd, int *holder);

/* What is in it, close-on-exec; as often as wanted. -1 with errno. */
int berth_envelope_open(int envelope);

/* Its note; of a descriptor that is in none, what its note would be. false with errno. */
bool berth_envelope_read(int envelope, BerthEnvelopeNote *note);

/* For a process that is started with descriptors of a client's: opens those of first and the
 * following that are envelopes, in their place. false with errno. */
bool berth_envelopes_open(int first, unsigned count);
