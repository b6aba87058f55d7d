/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of the options of run and create, as podman writes them. */

#pragma once

#include "base/error.h"

/* "512M", "1.5g", "100kb". */
bool dist_parse_bytes(const char *text, uint64_t *bytes, GError **error);
/* A number of processors as CPU time in a second. */
bool dist_parse_cpus(const char *text, uint64_t *usec, GError **error);
/* "1m30s", "500ms", or a number of seconds; NULL is none. option: for the message. */
bool dist_parse_duration(const char *option, const char *text, uint64_t *usec, GError **error);

/* A profile is a name, or a file with its text. NULL for NULL, or with error; the caller frees. */
char *dist_read_seccomp(const char *profile, GError **error);

/* Adds NAME=VALUE to a list: a variable without a value has the caller's, or is left out. */
void dist_add_variable(GPtrArray *list, const char *variable);
void dist_add_host_environment(GPtrArray *list);
void dist_add_proxies(GPtrArray *list);
bool dist_add_timezone(GPtrArray *list, const char *zone, GError **error);
/* The lines of a file but empty ones and comments; as variables, and as they are. */
bool dist_add_variables_of_file(GPtrArray *list, const char *file, GError **error);
bool dist_add_lines_of_file(GPtrArray *list, const char *file, GError **error);

/* This machine's platform, "linux/amd64". */
char *dist_get_platform(void);

/* Whether "OS/ARCH[/VARIANT]" is this machine's. */
bool dist_check_platform(const char *platform, GError **error);

/* Ports with ranges ("8000-8002:80-82") taken apart. NULL with error; freed with g_strfreev. */
char **dist_expand_ports(char *const *ports, GError **error);

/* Adds to a list as that of --device: "all", "device=NAME,…", or names of CDI. */
bool dist_add_gpus(char ***devices, const char *text, GError **error);
