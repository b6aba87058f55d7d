/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sandbox that a worker enters before it reads any byte of its job: user, capabilities,
 * resource limits, view of files, and permitted system calls. Entering is final, and failing to
 * enter ends the worker. The worker is already in its own PID namespace, in which berthd has
 * started it (worker/worker.c), and sees no other processes. sandboxes.c has the sandbox of each
 * worker.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

typedef enum {
    BERTH_FILES_NONE,          /* no file can be opened by path */
    BERTH_FILES_RESOLVER,      /* only files that TLS and name resolution need, for reading */
    BERTH_FILES_ONE_DIRECTORY, /* the directory passed in is the whole file system */
    BERTH_FILES_ENTERED /* the worker has already changed its root; nothing else is visible */
} BerthFiles;

typedef struct {
    const char *worker; /* name without "berth-" */
    const char *user;   /* NULL: remains root, with only the capabilities below */
    uid_t owner;        /* if not 0: the user who owns the directory; see berth_sandbox_narrow() */
    uint64_t capabilities; /* bits as in CAP_TO_MASK; all others are dropped permanently */
    bool has_keeper;       /* is root of a user namespace with all ids; see base/keeper.h */
    bool network;          /* uses the host's network; otherwise an empty one */
    BerthFiles files;
    bool read_only;           /* the one directory cannot be written to */
    const char *const *calls; /* beyond those that every worker needs; NULL-terminated */
    bool writes_files;        /* of any size; otherwise none larger than a document */
    uint64_t max_descriptors; /* RLIMIT_NOFILE; 0: same as for other workers */
} BerthSandbox;

/* Returns the sandbox of the worker with this name, which must exist. */
const BerthSandbox *berth_sandbox_find(const char *worker);

/*
 * Returns a sandbox for a directory owned by this user. The worker becomes root of a user namespace
 * that maps only the user and the user's group, such as that user could create: towards the rest of
 * the system it is that user, without the user's supplementary groups, and its capabilities apply
 * only to files of these two.
 */
BerthSandbox berth_sandbox_narrow(const BerthSandbox *sandbox, uid_t owner);

/* Does what processes that will be cloned from this one can share: compiles the filters of the
 * sandbox, and enters its empty namespaces for network, IPC and host name. They enter the sandbox
 * as the first ones in their PID namespaces (frame/template.c). */
bool berth_sandbox_prepare(const BerthSandbox *sandbox, GError **error);

/* Gives up the protection that berthd has from the kernel's OOM killer (OOMScoreAdjust= of its
 * unit): a worker that was taken over may use much memory. For a process that still sees the host's
 * /proc; nothing depends on it. */
void berth_sandbox_offer_to_oom_killer(void);

/* directory is used only with BERTH_FILES_ONE_DIRECTORY. */
bool berth_sandbox_enter(const BerthSandbox *sandbox, int directory, GError **error);
