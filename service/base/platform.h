/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Platforms as images name them: operating system, architecture (GOARCH names) and variant. */

#pragma once

#include "base/error.h"

typedef struct {
    char *os;
    char *architecture;
    char *variant; /* "" if there is none */
} BerthPlatform;

/* Reads "os/architecture[/variant]"; NULL or "" is this machine. */
BerthPlatform *berth_platform_parse(const char *text, GError **error);
BerthPlatform *berth_platform_new(const char *os, const char *architecture, const char *variant);
void berth_platform_free(BerthPlatform *platform);
char *berth_platform_format(const BerthPlatform *platform);

/* How well an offered platform serves the wanted one: 0 not at all, more is better. A variant that
 * was not asked for by name is the machine's best that is offered (arm64/v8, amd64). */
unsigned berth_platform_match(const BerthPlatform *wanted, const BerthPlatform *offered);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthPlatform, berth_platform_free)
