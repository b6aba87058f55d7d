/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sandbox that a worker enters before it reads a byte of its job: user, capabilities, resource
 * limits, its view of files, and the system calls that are left. Entering is final, and failing to
 * enter ends the worker. The processes a worker could see are already those of its own pid
 * namespace, in which berthd starts it (worker/worker.c). sandboxes.c has the sandbox of each
 * worker.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

typedef enum {
    BERTH_FILES_NONE,     /* nothing may be opened by path */
    BERTH_FILES_RESOLVER, /* reading what TLS and name resolution need, and no other file there */
    BERTH_FILES_ONE_DIRECTORY, /* the directory handed over is the whole file system */
    BERTH_FILES_ENTERED /* the worker has changed its root itself, and nothing else is left */
} BerthFiles;

typedef struct {
    const char *worker;    /* its name, without "berth-" */
    const char *user;      /* NULL: stays root, without capabilities but those below */
    uid_t owner;           /* not 0: the user that the directory is of; berth_sandbox_narrow() */
    uint64_t capabilities; /* bits, as in CAP_TO_MASK; all others are dropped for good */
    bool has_keeper;       /* root of a user namespace of all ids; see base/keeper.h */
    bool network;          /* keeps the machine's network; otherwise an empty one */
    BerthFiles files;
    bool read_only;           /* nothing can be written in the one directory */
    const char *const *calls; /* system calls besides those every worker needs; NULL-terminated */
    uint64_t max_descriptors; /* RLIMIT_NOFILE; 0 for what other workers have */
} BerthSandbox;

/* The sandbox of a worker, by its name; there is one. */
const BerthSandbox *berth_sandbox_find(const char *worker);

/*
 * A sandbox for a directory of this user's. The worker becomes root of a user namespace that maps
 * the user and the user's group alone, as that user could make one: to the rest of the system it is
 * that user, without the user's further groups, and its capabilities count for files of the two
 * only.
 */
BerthSandbox berth_sandbox_narrow(const BerthSandbox *sandbox, uid_t owner);

/* Compiles the filters of the sandbox, before it is entered by processes that are cloned from this
 * one and are the first of their pid namespaces (frame/template.c). */
bool berth_sandbox_prepare(const BerthSandbox *sandbox, GError **error);

/* directory is used with BERTH_FILES_ONE_DIRECTORY only. */
bool berth_sandbox_enter(const BerthSandbox *sandbox, int directory, GError **error);
