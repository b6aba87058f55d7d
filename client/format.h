/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text as people read and write it: references, sizes, times. All results belong to the caller. */

#pragma once

#include <stdint.h>

/* "redis" → "docker.io/library/redis:latest". */
char *dist_complete_reference(const char *text);

/* A complete reference in two: before its tag or digest, and that; "" if it has none. */
void dist_split_reference(const char *reference, char **repository, char **tag);

/* Without control characters but those in kept, and without what turns the direction of text. */
char *dist_format_text(const char *text, const char *kept);
/* JSON without them, which means the same. text: valid UTF-8. */
char *dist_format_json(const char *text);
char *dist_format_size(uint64_t bytes);
/* Date and time of the day, "-" for 0. */
char *dist_format_time(uint64_t usec);
/* "2 hours ago", "-" for 0; and a length of time alone: "2 hours". */
char *dist_format_ago(uint64_t usec);
char *dist_format_duration(uint64_t usec);
/* The first twelve digits of a digest, without its algorithm. */
char *dist_format_digest(const char *digest);
