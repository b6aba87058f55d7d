/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Passes every input of a corpus to a fuzz target, without libFuzzer: in each run of the tests, so
 * that targets stay true to what they test. */

#include "fuzz.h"

#include <glib.h>

static void replay(const char *directory, const char *name) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    size_t size;

    g_file_get_contents(path, &data, &size, &error);
    g_assert_no_error(error);
    g_test_message("%s", name);
    /* Without the final zero, so that AddressSanitizer sees what reads beyond the end. */
    g_autofree uint8_t *exact = g_memdup2(data, size);
    LLVMFuzzerTestOneInput(exact, size);
}

static void test_corpus(const void *userdata) {
    const char *directory = userdata, *name;
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) names = g_dir_open(directory, 0, &error);

    g_assert_no_error(error);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    while ((name = g_dir_read_name(names)))
        replay(directory, name);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    g_test_add_data_func("/fuzz/corpus", argv[1], test_corpus);
    return g_test_run();
}
