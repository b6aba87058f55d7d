/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts as printf() made them, taken apart again: a pattern is its format. */

#pragma once

#include <glib.h>
#include <stdbool.h>

/* What the conversions of a format became in text, or NULL if the text is of another format. Each
 * conversion is as short as possible. */
GPtrArray *dist_pattern_match(const char *pattern, const char *text);

/* A format with these in place of its conversions, "%2$s" naming one. Caller frees. */
char *dist_pattern_fill(const char *format, const GPtrArray *arguments);
