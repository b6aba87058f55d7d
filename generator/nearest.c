/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds the word that was probably meant, for "did you mean": the nearest by edit distance, in
 * which two swapped letters, a common typing error, count once (optimal string alignment).
 * Distances count bytes, since names of verbs and options are ASCII.
 */

#include "generator/nearest.h"

#include <glib.h>
#include <string.h>

enum { MAX_WORD = 40 };

static unsigned measure_distance(const char *a, const char *b) {
    size_t length_a = strlen(a), length_b = strlen(b);
    unsigned row[MAX_WORD + 1][MAX_WORD + 1];

    if (length_a > MAX_WORD || length_b > MAX_WORD)
        return MAX_WORD;
    for (size_t i = 0; i <= length_a; i++)
        row[i][0] = (unsigned)i;
    for (size_t k = 0; k <= length_b; k++)
        row[0][k] = (unsigned)k;
    for (size_t i = 1; i <= length_a; i++)
        for (size_t k = 1; k <= length_b; k++) {
            unsigned change = row[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
            row[i][k] = MIN(change, MIN(row[i - 1][k], row[i][k - 1]) + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                row[i][k] = MIN(row[i][k], row[i - 2][k - 2] + 1);
        }
    return row[length_a][length_b];
}

void berth_nearest_offer(BerthNearest *nearest, const char *candidate) {
    unsigned distance = measure_distance(nearest->word, candidate);
    size_t length = strlen(nearest->word);

    /* Allows one error in three letters, and requires at least one letter to be right. */
    if (distance > (length + 1) / 3 || distance >= strlen(candidate))
        return;
    if (nearest->best && distance >= nearest->distance)
        return;
    nearest->best = candidate;
    nearest->distance = distance;
}
