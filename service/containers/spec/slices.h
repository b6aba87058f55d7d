/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The slices that containers' scopes are in. A user other than root has berth-user-UID.slice and
 * what lies below it, so that limits for one user, or for all users together (berth-user.slice),
 * are limits of a unit.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* Caller frees. */
char *berth_slice_get_default(uid_t owner);

/* As systemd has names of slices, and nested no deeper than makes sense. */
bool berth_slice_check(const char *name, GError **error);

/* Whether the owner may use it with no further privilege. */
bool berth_slice_is_of_user(const char *name, uid_t owner);
