/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All connections of a container to its networks (connection.h): one that is changed has a lock, so
 * that a start, an exit and a change come one after the other. */

#pragma once

#include "bare/setup.h"
#include "base/error.h"

/* Connects the container whose first process is pid to all networks that it is to be in. What an
 * earlier run left is undone first. directory: the container's. */
bool berth_connections_make(const BerthSetup *setup, const char *id, pid_t pid, int directory,
                            GError **error);
/* Connects a container to one more, if it is still running when its networks are nobody else's to
 * change. netns: its network namespace. */
bool berth_connections_join(const BerthSetup *setup, const char *key, pid_t pid, const char *netns,
                            int directory, bool (*is_running)(void), GError **error);

/* Undoes the connection to one network, of a container that runs. */
bool berth_connections_leave(const char *key, pid_t pid, const char *netns, int directory,
                             GError **error);
/* Undoes those of a container that has ended, if they were of this process: the one of the key and,
 * for an id, all. networks: where the state is. */
bool berth_connections_undo(const char *key, pid_t pid, int networks, GError **error);

/* Renews the rules of all connections, of all containers (berth_connection_renew()). */
bool berth_connections_renew(int networks, GError **error);
