/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mounts whose flags the receiver cannot loosen. */

#pragma once

#include "base/error.h"

/*
 * A detached clone of mount that is nosuid as well, and whose flags its holder cannot clear. The
 * flags of a mount that is merely passed on are not safe: its holder can take it into a user
 * namespace of its own, where mount_setattr(2) may clear them. Takes a process for a moment.
 */
int berth_overlay_lock(int mount, GError **error);
