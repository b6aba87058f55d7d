/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The administrator's network configurations for CNI: berthd lists them, and berth-network applies
 * one of them. Both accept the same files, in the same order.
 */

#pragma once

#include <glib.h>
#include <json-c/json.h>

#define BERTH_CNI_CONFIGURATIONS "/etc/cni/net.d"

/* Returns the paths, sorted by name; empty if there are none. */
GPtrArray *berth_cni_configurations_list(void);
/* Returns the document; NULL if it cannot be read. The caller frees it. */
json_object *berth_cni_configurations_read(const char *path);
