/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* Everything that is known of it, with its OCI runtime configuration, as JSON. Caller frees. */
char *berth_container_inspect(BerthContainer *container, GError **error);
