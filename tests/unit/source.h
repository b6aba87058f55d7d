/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* For tests that compare the program with its sources. */

#pragma once

#include <glib.h>

/* The text of a file in the source tree, such as "systemd/berth.catalog". The caller frees it. */
static inline char *read_source(const char *name) {
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "..", name, NULL);
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}
