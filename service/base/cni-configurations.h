/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The administrator's configurations of networks for CNI: berthd lists them, and berth-network
 * carries one out. Both take the same files for networks, in the same order. */

#pragma once

#include <json-glib/json-glib.h>

#define BERTH_CNI_CONFIGURATIONS "/etc/cni/net.d"

/* The paths, in the order of names. Empty if there are none. */
GPtrArray *berth_cni_configurations_list(void);
/* NULL if it cannot be read. Caller frees. */
JsonNode *berth_cni_configurations_read(const char *path);
