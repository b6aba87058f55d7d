/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a sandbox, for sandbox.c, which calls them in the right order. */

#pragma once

#include "frame/sandbox.h"

/* Creates the mount namespace, if the sandbox has one, and its contents. Called as root. */
bool berth_sandbox_change_files(const BerthSandbox *sandbox, int directory, GError **error);

/* Like berth_sandbox_change_files, for a user's directory, accessed as that user. Called as root,
 * which the worker then ceases to be. */
bool berth_sandbox_become_owner(int directory, uid_t uid, gid_t gid, GError **error);

/* Clones the mount at and path (which may be empty) of the current mount namespace as a detached
 * mount. Returns -1 with errno set on failure; EINVAL: the mount belongs to another namespace. */
int berth_sandbox_clone_mount(int at, const char *path, uint64_t attributes);

/* A user namespace for the worker. */
typedef struct {
    const char *uids, *gids; /* in the format of the map files (user_namespaces(7)) */
    bool has_keeper;         /* a keeper acts for it (base/keeper.h), … */
    uint64_t mount;          /* … only on this mount; 0: on any */
} BerthIdMaps;

/* Makes the worker root of a new user namespace. process is the worker's directory in /proc. Must
 * be called before chroot(2), after which the kernel refuses to create user namespaces. */
bool berth_sandbox_enter_users(int process, const BerthIdMaps *maps, GError **error);

/* Like berth_sandbox_enter_users, with all ids mapped to themselves, and a keeper for the mount
 * that directory is on; -1: for any mount. */
bool berth_sandbox_enter_all_users(int process, int directory, GError **error);

/* The keeper's descriptor, and the system calls that it may use. */
#define BERTH_SANDBOX_KEEPER_FD 3
bool berth_sandbox_restrict_keeper_calls(GError **error);

/* Whether the socket of a resolver that the C library may ask exists. Called after the view of
 * files has changed. */
bool berth_sandbox_has_resolver(void);

/* Applies Landlock, as far as the running kernel supports it. The second to last step, before the
 * system call filter. */
bool berth_sandbox_restrict_access(const BerthSandbox *sandbox, GError **error);

/* Compiles the filters of the sandbox, and of its keeper, in advance. */
bool berth_sandbox_prepare_calls(const BerthSandbox *sandbox, GError **error);

/* local: permits AF_UNIX sockets, in order to ask a resolver. */
bool berth_sandbox_restrict_calls(const BerthSandbox *sandbox, bool local, GError **error);
