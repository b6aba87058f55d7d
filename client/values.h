/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of options that also occur in unit files, in podman's formats. */

#pragma once

#include "base/error.h"

#include <stdint.h>

/* "512M", "1.5g", "100kb". */
bool dist_parse_bytes(const char *text, uint64_t *bytes, GError **error);
/* A number of processors, as CPU time per second. */
bool dist_parse_cpus(const char *text, uint64_t *usec, GError **error);
/* "1m30s", "500ms", or a number of seconds; NULL yields 0. option: for the error message. */
bool dist_parse_duration(const char *option, const char *text, uint64_t *usec, GError **error);
/* Whether the host has such a time zone. */
bool dist_is_timezone(const char *zone);
/* Expands ranges of ports ("8000-8002:80-82"). NULL with error; freed with g_strfreev(). */
char **dist_expand_ports(char *const *ports, GError **error);
