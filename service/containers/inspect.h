/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* Everything that is known about the container, with its OCI runtime configuration, as JSON. The
 * caller frees it. */
char *berth_container_inspect(BerthContainer *container, GError **error);
