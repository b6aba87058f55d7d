/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a cgroup that systemd does not manage, written to its files. */

#pragma once

#include "base/error.h"

/* Writes properties (a{sv}, systemd.resource-control(5); NULL for none) to the cgroup and, on a
 * hybrid system, to those of its path in the hierarchies of version 1. Those about devices are not
 * limits and are passed over. */
bool berth_limit_files_write(int cgroup, const char *path, GVariant *properties, GError **error);
