/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All connections of a container to its networks (connection.h). A lock per container ensures that
 * a start, an exit and a change happen one after another.
 */

#pragma once

#include "bare/setup.h"
#include "base/error.h"

/* Connects the container, whose first process is pid, to all of its networks, after undoing what an
 * earlier run has left. netns is its network namespace; directory is the container's. */
bool berth_connections_make(const BerthSetup *setup, const char *id, pid_t pid, const char *netns,
                            int directory, GError **error);
/* Connects a container to one more network, if it is still running once the lock is held. netns is
 * its network namespace. */
bool berth_connections_join(const BerthSetup *setup, const char *key, pid_t pid, const char *netns,
                            int directory, bool (*is_running)(void), GError **error);

/* Undoes the connection of a running container to one network. */
bool berth_connections_leave(const char *key, pid_t pid, const char *netns, int directory,
                             GError **error);
/* Undoes the connections of a container that has ended, if they belong to this process: the one of
 * the key and, if the key is just an id, all additional ones. networks is the directory with their
 * documents. */
bool berth_connections_undo(const char *key, pid_t pid, int networks, GError **error);

/* Restores the rules of all connections of all containers (berth_connection_renew()). */
bool berth_connections_renew(int networks, GError **error);
