/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"
#include "containers/spec/options.h"

/* Reserves the host ports of running containers. */
extern const BerthPart berth_ports_part;

/* Replaces each host port 0 by one that is free at the moment and that no container has. The port
 * is bound only when the container starts, so a start may still find it in use. */
bool berth_ports_choose(BerthContainers *containers, BerthCreateOptions *options, GError **error);

/* Adds the ports that the image exposes ("80/tcp") to those of the options, each with a host port
 * chosen in the same way. */
bool berth_ports_add_exposed(BerthContainers *containers, BerthCreateOptions *options,
                             char *const *exposed, GError **error);

/* All ports that it publishes, as "[IP:]HOST:CONTAINER/PROTOCOL". Freed with g_strfreev(). */
char **berth_container_list_ports(const BerthContainer *container);
