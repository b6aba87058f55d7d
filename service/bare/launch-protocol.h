/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The launch protocol: what berthd, the two processes of berth-launch, berth-copy and
 * berth-checkpoint send to each other. It is defined here and nowhere else.
 *
 * A message is one packet of a SOCK_SEQPACKET socket: a letter, followed by text without a
 * terminator, and at most one descriptor (SCM_RIGHTS). berthd has one socket for each launch; the
 * outer and the inner process of berth-launch (launch/inside.h) have another one between them.
 * Closing a socket is a message as well: it tells berthd that the command runs or that the launcher
 * has died, and a launcher that berthd has died and that it must exit without running anything.
 *
 * A start, in the order of its messages (* if the container needs it):
 *
 *   sender  receiver  message            carries       when
 *   outer   berthd    PROCESS            pid, pidfd    the inner process has been cloned
 *   outer   inner     MAPPED *                         the id maps have been written
 *   outer   inner     TREE ...           mount         root, mounts, devices, in that order
 *   inner   berthd    FILLING *                        it begins to fill a new volume
 *   inner   berthd    FILLED *                         the volume is filled and synced
 *   inner   outer     NAMESPACES *                     its namespaces and mounts have been made
 *   outer   inner     HOOKS_DONE *                     the network and the hooks are done
 *   inner   outer     STREAM * ...       socket        to be connected to the journal
 *   inner   outer     NEED_LISTENER *                  the filter will notify a listener
 *   berthd  inner     GO_AHEAD                         it is in its scope, and recorded
 *   inner   outer     UNRELEASED *                     berthd has died instead
 *   inner   berthd    TERMINAL *         master        the terminal is open
 *   inner   outer     SET_ATTRIBUTES                   the go-ahead has arrived
 *   outer   inner     ATTRIBUTES_SET                   limits and scheduling are set
 *   inner   outer     LISTENER *         descriptor    the filter is loaded
 *
 * An exec is the same without MAPPED, TREE, NAMESPACES and HOOKS_DONE.
 *
 * A restore is a start by berth-checkpoint, which sends PROCESS itself; GO_AHEAD then means that it
 * is in the scope. It sends RESTORED (pid; pidfd) when CRIU has made the processes, and waits for a
 * second GO_AHEAD, which says that the first of them has been recorded, or for WITHDRAWN, which
 * says that it must be killed.
 *
 * A copy, a checkpoint and a change of limits or networks end with DONE. Any sender may send FAILED
 * or UNSUPPORTED with the reason as text instead of its next message; if the inner or the outer
 * process does so, it sends PEER_FAILED to the other one, which then exits without a report of its
 * own.
 */

#pragma once

/* At the end of berth-copy's mode: a symbolic link is followed. */
#define BERTH_COPY_FOLLOWING "-following"

typedef enum {
    /* To berthd. */
    BERTH_LAUNCH_PROCESS = 'P',
    BERTH_LAUNCH_TERMINAL = 'T',
    BERTH_LAUNCH_RESTORED = 'R',
    BERTH_LAUNCH_FILLING = 'V',
    BERTH_LAUNCH_FILLED = 'W',
    BERTH_LAUNCH_DONE = 'K',
    BERTH_LAUNCH_FAILED = 'E',
    BERTH_LAUNCH_UNSUPPORTED = 'U',
    /* From berthd. */
    BERTH_LAUNCH_GO_AHEAD = 'g',
    BERTH_LAUNCH_WITHDRAWN = 'x',
    /* From the outer to the inner process. */
    BERTH_LAUNCH_MAPPED = 'm',
    BERTH_LAUNCH_TREE = 't',
    BERTH_LAUNCH_HOOKS_DONE = 'h',
    BERTH_LAUNCH_ATTRIBUTES_SET = 'k',
    /* From the inner to the outer process. */
    BERTH_LAUNCH_NAMESPACES = 'n',
    BERTH_LAUNCH_STREAM = 's',
    BERTH_LAUNCH_NEED_LISTENER = 'q',
    BERTH_LAUNCH_LISTENER = 'y',
    BERTH_LAUNCH_UNRELEASED = 'u',
    BERTH_LAUNCH_SET_ATTRIBUTES = 'l',
    /* Between these two, in both directions. */
    BERTH_LAUNCH_PEER_FAILED = 'f',
} BerthLaunchMessage;

/* A file in the container's directory with the pid of a process that has never had its go-ahead. If
 * berthd dies after it has recorded the process as running, it can otherwise not distinguish its
 * exit status from the command's. */
#define BERTH_LAUNCH_UNRELEASED_FILE "unreleased"

/* Longer text is cut: it is for people. */
enum { BERTH_LAUNCH_MAX_TEXT = 1000 };

/* The descriptors that berthd starts a launcher with, in addition to the standard ones. The
 * caller's further descriptors follow from BERTH_FIRST_FREE_FD on. One that is not needed is
 * /dev/null. */
enum {
    BERTH_SOCKET_FD = 3,
    BERTH_CONFIG_FD,
    BERTH_DIRECTORY_FD, /* the container's directory; for an exec, or a copy while it runs, a pidfd
                         * of its first process */
    BERTH_SNAPSHOTS_FD, /* the directory of the layers; for a dump, and for berth-network, a pidfd
                         * of the first process */
    BERTH_CGROUP_FD,    /* the cgroup to clone the first process into, unless it has a scope */
    BERTH_SECRETS_FD,   /* the secrets of a start (bare/secrets.h) */
    BERTH_POD_FD,       /* /proc/PID of the first process of the pod to join, or of the container
                         * whose network is joined */
    BERTH_FIRST_FREE_FD,
};

/* Exit codes of a launcher that could not become the command, the same as in shells and other
 * runtimes. */
enum { BERTH_EXIT_LAUNCH = 125, BERTH_EXIT_NOT_EXECUTABLE = 126, BERTH_EXIT_NOT_FOUND = 127 };
