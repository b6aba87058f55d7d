/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The connection of a container to its network: a CNI network of the administrator's, or one that
 * Berth made, by netavark or, if that is not installed, by CNI's plugins. What was done is kept in
 * networks/ID.json of the state directory until it was undone, beside the container's own
 * directory, which may go before that.
 */

#pragma once

#include "bare/setup.h"
#include "base/error.h"

/* Connects the container whose first process is pid. What an earlier run left is undone first.
 * directory: the container's. */
bool berth_connection_make(const BerthSetup *setup, const char *id, pid_t pid, int directory,
                           GError **error);

/* Undoes it, if it was of this process. networks: where the state is. */
bool berth_connection_undo(const char *id, pid_t pid, int networks, GError **error);
