/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The slices of containers' scopes. A user other than root gets berth-user-UID.slice and the slices
 * below it, so that limits for one user, or for all users together (berth-user.slice), can be set
 * on a unit.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* The caller frees the name. */
char *berth_slice_get_default(uid_t owner);

/* Checks that the name is a valid slice name, and not nested too deeply. */
bool berth_slice_check(const char *name, GError **error);

/* Returns true if the owner may use the slice without an additional privilege. */
bool berth_slice_is_of_user(const char *name, uid_t owner);
