/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Splits texts that printf(3) produced, using the format as the pattern. */

#pragma once

#include <glib.h>
#include <stdbool.h>

/* The text that each conversion of the format produced, or NULL if the text does not match it. Each
 * one is as short as possible. */
GPtrArray *dist_pattern_match(const char *pattern, const char *text);

/* The format with these arguments in place of its conversions; "%2$s" selects one. The caller frees
 * it. */
char *dist_pattern_fill(const char *format, const GPtrArray *arguments);
