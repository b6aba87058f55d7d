/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Small helpers shared by the files of a launcher. */

#pragma once

#include <stdbool.h>
#include <string.h>

#define BERTH_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BERTH_MIN(a, b) ((a) < (b) ? (a) : (b))
#define BERTH_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Enough for "/proc/4194304/ns/user" and the like. */
enum { BERTH_PROC_PATH_BYTES = 64 };

static inline bool berth_text_is(const char *text, const char *other) {
    return strcmp(text, other) == 0;
}

static inline bool berth_text_begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}
