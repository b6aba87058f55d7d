/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mounts whose flags the receiver cannot clear. */

#pragma once

#include "base/error.h"

/*
 * Returns a detached clone of mount that is also nosuid, and whose flags its holder cannot clear.
 * The flags of a mount that is simply passed on are not safe: its holder can copy it into a user
 * namespace of its own, where mount_setattr(2) may clear them. Needs a short-lived process.
 */
int berth_overlay_lock(int mount, GError **error);
