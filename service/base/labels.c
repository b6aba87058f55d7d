/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Labels are string vectors that are never changed in place: merging creates a new one, which
 * belongs to the caller. There is no state.
 */

#include "base/labels.h"

#include "base/limits.h"

#include <glib.h>
#include <string.h>

const char *berth_labels_find(char *const *labels, const char *key) {
    for (; labels && *labels; labels += 2)
        if (g_str_equal(labels[0], key))
            return labels[1];
    return NULL;
}

static void add_label(GPtrArray *all, char *const *label) {
    g_ptr_array_add(all, g_strdup(label[0]));
    g_ptr_array_add(all, g_strdup(label[1]));
}

size_t berth_labels_measure(char *const *labels) {
    size_t bytes = 0;

    for (; labels && *labels; labels++)
        bytes += strlen(*labels);
    return bytes;
}

/* The limits apply to the whole set. Labels of an image yield to the caller's: if there is no room,
 * they are left out without an error, since the caller did not choose them. */
char **berth_labels_merge(char *const *under, char *const *over) {
    GPtrArray *all = g_ptr_array_new();
    size_t bytes = berth_labels_measure(over);

    for (; under && *under; under += 2) {
        size_t more = strlen(under[0]) + strlen(under[1]);
        if (berth_labels_find(over, under[0]) || bytes + more > BERTH_MAX_LABELS_BYTES ||
            all->len / 2 >= BERTH_MAX_LABELS)
            continue;
        bytes += more;
        add_label(all, under);
    }
    for (; over && *over; over += 2)
        add_label(all, over);
    g_ptr_array_add(all, NULL);
    return (char **)g_ptr_array_free(all, FALSE);
}
