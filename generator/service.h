/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unit that is being written: sections in the order in which they were begun, each with its lines
 * in the order in which they were added. */

#pragma once

#include <glib.h>

typedef struct BerthService {
    char *name; /* with its suffix */
    GPtrArray *sections;
    struct BerthService *other; /* a second unit of the same file; owned; NULL for none */
} BerthService;

BerthService *berth_service_new(const char *name);
void berth_service_free(BerthService *service);

void berth_service_add(BerthService *service, const char *section, const char *key,
                       const char *value);

/* A command line, a word a line: "-" before the first lets it fail. */
void berth_service_add_command(BerthService *service, const char *key, const char *prefix,
                               const GPtrArray *words);

char *berth_service_print(const BerthService *service);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthService, berth_service_free)
