/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"
#include "containers/spec/options.h"

/* Holds the host ports of containers that run. */
extern const BerthPart berth_ports_part;

/* Replaces each port 0 of the host by one that is free now and that no container has. It is bound
 * when the container starts, so that the start may still find it taken. */
bool berth_ports_choose(BerthContainers *containers, BerthCreateOptions *options, GError **error);

/* Adds to the ports of the options those of the image ("80/tcp"), each with a port of the host that
 * is chosen in this way. */
bool berth_ports_add_exposed(BerthContainers *containers, BerthCreateOptions *options,
                             char *const *exposed, GError **error);

/* "[IP:]HOST:CONTAINER/PROTOCOL" of all that it publishes; freed with g_strfreev(). */
char **berth_container_list_ports(const BerthContainer *container);
