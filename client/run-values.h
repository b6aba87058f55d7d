/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of the options of run and create, in podman's formats. */

#pragma once

#include "client/values.h"

/* A time in any form of systemd.time(7) or ISO 8601, or a duration, which means that long ago. */
bool dist_parse_time(const char *text, uint64_t *usec, GError **error);

/* A profile is a name, or a file with its text. NULL for NULL, or with error. The caller frees it.
 */
char *dist_read_seccomp(const char *profile, GError **error);

/* Adds NAME=VALUE to a list. A variable without a value takes the caller's, or is omitted. */
void dist_add_variable(GPtrArray *list, const char *variable);
void dist_add_host_environment(GPtrArray *list);
void dist_add_proxies(GPtrArray *list);
bool dist_add_timezone(GPtrArray *list, const char *zone, GError **error);
/* The lines of a file, except empty ones and comments: as variables, or unchanged. "-" before the
 * path of the variables allows the file to be missing. */
bool dist_add_variables_of_file(GPtrArray *list, const char *file, GError **error);
bool dist_add_lines_of_file(GPtrArray *list, const char *file, GError **error);

/* This machine's platform, "linux/amd64". */
char *dist_get_platform(void);

/* Whether "OS/ARCH[/VARIANT]" is this machine's platform. */
bool dist_check_platform(const char *platform, GError **error);

/* Adds to a list as that of --device: "all", "device=NAME,…", or CDI names. */
bool dist_add_gpus(char ***devices, const char *text, GError **error);
