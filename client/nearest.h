/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The known word that is nearest to a mistyped one. */

#pragma once

/* Set word, offer the candidates; best is the nearest that is near enough, or NULL. */
typedef struct {
    const char *word, *best;
    unsigned distance; /* of best */
} DistNearest;

void dist_nearest_offer(DistNearest *nearest, const char *candidate);
