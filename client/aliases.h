/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Other names of verbs: those of podman and docker, and the long forms "image ls". */

#pragma once

#include "client/nearest.h"

#include <stdbool.h>

typedef struct {
    const char *words;  /* one or two */
    const char *stands; /* for these */
} DistAlias;

/* The last has no words. */
extern const DistAlias dist_aliases[];

/* The words of argv, those at its front replaced if they are an alias. The array belongs to the
 * caller, the words do not. */
char **dist_alias_expand(char *const *argv);

/* Whether a word begins aliases of two words. */
bool dist_alias_is_group(const char *word);

/* The aliases of one word, or the second words of those that begin with group. */
void dist_alias_offer(DistNearest *nearest, const char *group);
