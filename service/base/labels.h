/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Labels of images, contents and containers: key, value, …, ended with NULL; NULL for none. */

#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The value of a key; NULL if there is none. */
const char *berth_labels_find(char *const *labels, const char *key);

/* Whether labels hold all of those wanted; a wanted value "" is any. */
bool berth_labels_match(char *const *labels, char *const *wanted);

/* The bytes of all keys and values. */
size_t berth_labels_measure(char *const *labels);

/* Both, with those of over where a key is in both, and without those of under that are too many or
 * too large together with them (base/limits.h); freed with g_strfreev. */
char **berth_labels_merge(char *const *under, char *const *over);
