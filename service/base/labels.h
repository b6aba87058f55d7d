/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Labels of images, contents and containers: NULL-terminated vectors of alternating keys and
 * values; NULL for none.
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Returns the value of a key; NULL if there is none. */
const char *berth_labels_find(char *const *labels, const char *key);

/* Returns the total size of all keys and values in bytes. */
size_t berth_labels_measure(char *const *labels);

/* Merges both. If a key is in both, the one in over wins; labels in under are left out if they are
 * too many or too large together with those in over (base/limits.h). Freed with g_strfreev. */
char **berth_labels_merge(char *const *under, char *const *over);
