/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a cgroup that systemd does not manage, written to its files. */

#pragma once

#include "base/error.h"

/* A write that sets one limit. */
typedef struct {
    const char *property; /* static */
    int file;
    char *value;
} BerthLimitWrite;

/* Opens the files for properties (a{sv}, systemd.resource-control(5)) of the cgroup and, on a
 * hybrid system, of its path in the hierarchies of version 1. Those about devices are not limits
 * and are passed over. An array of BerthLimitWrite, which closes them; NULL with error. */
GArray *berth_limit_files_open(int cgroup, const char *path, GVariant *properties, GError **error);

/* Sets the limits of a new cgroup, which has no memory yet: otherwise a write may block.
 * properties: NULL for none. */
bool berth_limit_files_write(int cgroup, const char *path, GVariant *properties, GError **error);
