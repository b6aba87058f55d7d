/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the known word that is nearest to a mistyped one. */

#pragma once

/* Set word and offer the candidates; best is then the nearest one that is close enough, or NULL. */
typedef struct {
    const char *word, *best;
    unsigned distance; /* of best */
} BerthNearest;

void berth_nearest_offer(BerthNearest *nearest, const char *candidate);
