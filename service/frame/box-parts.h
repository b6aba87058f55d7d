/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a box, for box.c, which puts them into order. */

#pragma once

#include "frame/box.h"

/* The mount namespace, if the box has one, and what is in it. As root. */
bool berth_box_change_files(const BerthBox *box, int directory, GError **error);

/* The same for a directory of a user's, as that user. Called as root, which the worker then gives
 * up. */
bool berth_box_become_owner(int directory, uid_t uid, gid_t gid, GError **error);

/* A mount of the present mount namespace, of what is below at and path (which may be empty), as a
 * detached one. Negative, with errno; EINVAL: it belongs to another namespace. */
int berth_box_clone_mount(int at, const char *path, uint64_t attributes);

/* A user namespace of the worker's. */
typedef struct {
    const char *uids, *gids; /* as they are written (user_namespaces(7)) */
    bool has_keeper;         /* a keeper acts for it (base/keeper.h) … */
    uint64_t mount;          /* … on this mount only; 0: on any */
} BerthIdMaps;

/* The worker becomes root of one. process: its directory in /proc. Before it is in a root that is
 * not its mount namespace's, where the kernel makes none. */
bool berth_box_enter_users(int process, const BerthIdMaps *maps, GError **error);

/* The same with all ids as they are, and a keeper for the mount that the directory is on; -1: for
 * any. */
bool berth_box_enter_all_users(int process, int directory, GError **error);

/* The keeper's descriptor, and the system calls it is left. */
#define BERTH_BOX_KEEPER_FD 3
bool berth_box_restrict_keeper_calls(GError **error);

/* Whether a socket of a resolver that the C library may ask is there. After the files have changed.
 */
bool berth_box_has_resolver(void);

/* Landlock, as far as the running kernel has it. The last but the system calls. */
bool berth_box_restrict_access(const BerthBox *box, GError **error);

/* local: sockets of AF_UNIX may be made, to ask a resolver. */
bool berth_box_restrict_calls(const BerthBox *box, bool local, GError **error);
