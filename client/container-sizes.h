/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much the containers have written. */

#pragma once

#include <glib.h>

/* id → int64_t *, the bytes in the writable layer, for all containers that the caller may see. The
 * service measures them now, which takes a while. NULL with error. */
GHashTable *dist_container_sizes_read(GError **error);
