/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The group of the host that a container's root stands for on a bind mount of a user's. */

#pragma once

#include <sys/types.h>

/* group, if owner is one of its members by the user database; otherwise owner's own group, and
 * nogroup for an owner that the database does not have. */
gid_t berth_owner_group(uid_t owner, gid_t group);
