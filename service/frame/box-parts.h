/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a box, for box.c, which puts them into order. */

#pragma once

#include "frame/box.h"

/* The mount namespace, if the box has one, and what is in it. As root. */
bool berth_box_change_files(const BerthBox *box, int directory, GError **error);

/* The same for a directory of a user's, as that user. As root, who it leaves. */
bool berth_box_become_owner(int directory, uid_t uid, gid_t gid, GError **error);

/* A mount of the present mount namespace, of what is below at and path (which may be empty), as one
 * of nobody's yet. Negative, with errno; EINVAL: it is of another namespace. */
int berth_box_clone_mount(int at, const char *path, uint64_t attributes);

/* Whether a socket of a resolver that the C library may ask is there. After the files have changed.
 */
bool berth_box_has_resolver(void);

/* Landlock, as far as the running kernel has it. The last but the system calls. */
bool berth_box_restrict_access(const BerthBox *box, GError **error);

/* local: sockets of AF_UNIX may be made, to ask a resolver. */
bool berth_box_restrict_calls(const BerthBox *box, bool local, GError **error);
