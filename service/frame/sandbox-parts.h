/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a sandbox, for sandbox.c, which puts them into order. */

#pragma once

#include "frame/sandbox.h"

/* The mount namespace, if the sandbox has one, and what is in it. As root. */
bool berth_sandbox_change_files(const BerthSandbox *sandbox, int directory, GError **error);

/* The same for a directory of a user's, as that user. Called as root, which the worker then gives
 * up. */
bool berth_sandbox_become_owner(int directory, uid_t uid, gid_t gid, GError **error);

/* A mount of the present mount namespace, of what is below at and path (which may be empty), as a
 * detached one. Negative, with errno; EINVAL: it belongs to another namespace. */
int berth_sandbox_clone_mount(int at, const char *path, uint64_t attributes);

/* A user namespace of the worker's. */
typedef struct {
    const char *uids, *gids; /* as they are written (user_namespaces(7)) */
    bool has_keeper;         /* a keeper acts for it (base/keeper.h) … */
    uint64_t mount;          /* … on this mount only; 0: on any */
} BerthIdMaps;

/* The worker becomes root of one. process: its directory in /proc. Before it is in a root that is
 * not its mount namespace's, where the kernel makes none. */
bool berth_sandbox_enter_users(int process, const BerthIdMaps *maps, GError **error);

/* The same with all ids as they are, and a keeper for the mount that the directory is on; -1: for
 * any. */
bool berth_sandbox_enter_all_users(int process, int directory, GError **error);

/* The keeper's descriptor, and the system calls it is left. */
#define BERTH_SANDBOX_KEEPER_FD 3
bool berth_sandbox_restrict_keeper_calls(GError **error);

/* Whether a socket of a resolver that the C library may ask is there. After the files have changed.
 */
bool berth_sandbox_has_resolver(void);

/* Landlock, as far as the running kernel has it. The last but the system calls. */
bool berth_sandbox_restrict_access(const BerthSandbox *sandbox, GError **error);

/* local: sockets of AF_UNIX may be made, to ask a resolver. */
bool berth_sandbox_restrict_calls(const BerthSandbox *sandbox, bool local, GError **error);
