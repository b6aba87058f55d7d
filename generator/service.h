/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A unit that is being written: sections in the order in which they were begun, each with its lines
 * in the order in which they were added.
 */

#pragma once

#include <glib.h>

typedef struct BerthService {
    char *name; /* including the suffix */
    GPtrArray *sections;
    struct BerthService *other; /* a second unit from the same file; owned; or NULL */
} BerthService;

/* Makes an empty unit; name includes the suffix. */
BerthService *berth_service_new(const char *name);
void berth_service_free(BerthService *service);

/* Appends KEY=VALUE to a section, which begins with its first line. value is written unchanged, up
 * to the end of its first line. */
void berth_service_add(BerthService *service, const char *section, const char *key,
                       const char *value);

/* Adds a command line, one word per line; "-" before the first word ignores a failure. */
void berth_service_add_command(BerthService *service, const char *key, const char *prefix,
                               const GPtrArray *words);

/* The text of the unit, which the caller frees. */
char *berth_service_print(const BerthService *service);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthService, berth_service_free)
