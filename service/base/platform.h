/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Platforms in the terms of images: operating system, architecture (GOARCH names) and variant. */

#pragma once

#include "base/error.h"

typedef struct {
    char *os;
    char *architecture;
    char *variant; /* "": none */
} BerthPlatform;

/* Parses "os/architecture[/variant]"; NULL or "" means this machine. */
BerthPlatform *berth_platform_parse(const char *text, GError **error);
/* Copies the strings; NULL counts as "". */
BerthPlatform *berth_platform_new(const char *os, const char *architecture, const char *variant);
void berth_platform_free(BerthPlatform *platform);
/* Returns "os/architecture[/variant]". The caller frees it. */
char *berth_platform_format(const BerthPlatform *platform);

/* Returns how well an offered platform matches the wanted one: 0 means not at all, and higher is
 * better. If no variant was requested, the best one for the machine wins (arm64/v8, amd64). A
 * 32-bit platform that its processors run, too, is worse than any of its own (386 for amd64). */
unsigned berth_platform_match(const BerthPlatform *wanted, const BerthPlatform *offered);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthPlatform, berth_platform_free)
