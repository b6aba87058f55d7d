/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a cgroup that systemd does not manage, written to its files. */

#pragma once

#include "base/error.h"

/* A write that sets one limit. */
typedef struct {
    const char *property; /* a static string */
    int file;
    char *value;
} BerthLimitWrite;

/* Opens the files for properties (a{sv}, systemd.resource-control(5)) in the cgroup and, on a
 * hybrid system, in the v1 hierarchies at the same path. Properties about devices are not limits,
 * and are skipped. Returns an array of BerthLimitWrite, which closes the files, or NULL with
 * error. */
GArray *berth_limit_files_open(int cgroup, const char *path, GVariant *properties, GError **error);

/* Sets the limits of a new cgroup. It must not have any memory yet, because otherwise a write may
 * block. properties is NULL for none. */
bool berth_limit_files_write(int cgroup, const char *path, GVariant *properties, GError **error);
