/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* References, sizes and times as people read and write them. The caller owns all results. */

#pragma once

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* "redis" → "docker.io/library/redis:latest". */
char *dist_complete_reference(const char *text);

/* The same for a name that an image is to get. NULL with an error if registries and other tools
 * would not take it. */
char *dist_complete_new_name(const char *text, GError **error);

/* Splits a complete reference before its tag or digest; tag is "" if there is none. */
void dist_split_reference(const char *reference, char **repository, char **tag);

/* The text with control characters (except those in kept) and changes of text direction replaced.
 */
char *dist_format_text(const char *text, const char *kept);
/* A message after "dist: ". It may quote texts of images, registries and programs that hold
 * newlines: those lines are indented, so that none of them looks like a message of dist itself. */
char *dist_format_message(const char *text);
/* Equivalent JSON with those characters escaped. text: valid UTF-8. */
char *dist_format_json(const char *text);
/* A value as such JSON. */
char *dist_format_value(json_object *value, bool pretty);
/* Labels as a JSON object, sorted. */
char *dist_format_labels(GHashTable *labels);
char *dist_format_size(uint64_t bytes);
/* Date and time of day; "-" for 0. */
char *dist_format_time(uint64_t usec);
/* "2 hours ago", "-" for 0; and a length of time alone, "2 hours". */
char *dist_format_ago(uint64_t usec);
char *dist_format_duration(uint64_t usec);
/* The first twelve digits of a digest, without its algorithm. */
char *dist_format_digest(const char *digest);
