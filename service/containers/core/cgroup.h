/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where the processes of a container live: in a systemd scope, berth-ID.scope, or in a cgroup
 * berth-ID below the caller's own (option Cgroup of Create). The rest of the core does not
 * distinguish between the two.
 */

#pragma once

#include "containers/core/object.h"

/* Creates the container's cgroup and returns a descriptor of it, which the caller owns, for the
 * launch. Returns -1 without an error if the container uses a scope, whose cgroup systemd
 * creates. */
int berth_container_make_cgroup(const BerthContainer *container, GError **error);

/* Called when no process of the container is running any more. Stops the scope or removes the
 * cgroup. */
void berth_container_leave_cgroup(BerthContainer *container);

/* Called before a container that is not running loses its name. Stops a scope of this name that the
 * service has not seen yet, since it would not recognize it later (recover.c). */
void berth_container_leave_unseen_scope(BerthContainer *container);

/* Sends a signal to all processes of the container. */
void berth_container_signal_all(const BerthContainer *container, int signal);
