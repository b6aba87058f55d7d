/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Labels as lists of keys and values: finding and merging. */

#include "base/labels.h"
#include "base/limits.h"

#include <glib.h>

/* Returns the labels of a text "KEY VALUE KEY VALUE", or NULL if text is NULL. */
static char **split(const char *text) {
    return text ? g_strsplit(text, " ", -1) : NULL;
}

static void test_find(void) {
    g_auto(GStrv) labels = split("a 1 b 2");

    g_assert_cmpstr(berth_labels_find(labels, "b"), ==, "2");
    g_assert_null(berth_labels_find(labels, "1"));
    g_assert_null(berth_labels_find(NULL, "a"));
}

static void assert_merged(const char *under_text, const char *over_text, const char *expected) {
    g_auto(GStrv) under = split(under_text);
    g_auto(GStrv) over = split(over_text);
    g_auto(GStrv) merged = berth_labels_merge(under, over);
    g_autofree char *text = g_strjoinv(" ", merged);

    g_assert_cmpstr(text, ==, expected);
}

static void test_merge(void) {
    assert_merged("a 1 b 2", "b 3 c 4", "a 1 b 3 c 4");
    assert_merged("a 1 b 2", NULL, "a 1 b 2");
    assert_merged(NULL, "b 3 c 4", "b 3 c 4");
    assert_merged(NULL, NULL, "");
}

static void test_merge_omits_labels_above_the_limit(void) {
    g_autofree char *large = g_strnfill(BERTH_MAX_LABELS_BYTES - 10, 'x');
    const char *under[] = {"a", large, "b", "2", NULL}, *over[] = {"c", "0123456789", NULL};
    g_auto(GStrv) merged = berth_labels_merge((char **)under, (char **)over);

    g_assert_cmpuint(g_strv_length(merged), ==, 4);
    g_assert_null(berth_labels_find(merged, "a"));
    g_assert_cmpstr(berth_labels_find(merged, "b"), ==, "2");
    g_assert_cmpuint(berth_labels_measure(merged), ==, 13);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/labels/find", test_find);
    g_test_add_func("/labels/merge", test_merge);
    g_test_add_func("/labels/merge-large", test_merge_omits_labels_above_the_limit);
    return g_test_run();
}
