/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Alternative names of verbs: those of podman and docker, and long forms such as "image ls". */

#pragma once

#include "generator/nearest.h"

#include <stdbool.h>

typedef struct {
    const char *words;  /* one or two */
    const char *stands; /* the words that they stand for */
} DistAlias;

/* The last entry has no words. */
extern const DistAlias dist_aliases[];

/* Returns the words of argv; if they begin with an alias, it is replaced. The caller owns the
 * array, but not the words. */
char **dist_alias_expand(char *const *argv);

/* Whether a word is the first of a two-word alias. */
bool dist_alias_is_group(const char *word);

/* Offers the one-word aliases, or the second words of those that begin with group. */
void dist_alias_offer(BerthNearest *nearest, const char *group);
