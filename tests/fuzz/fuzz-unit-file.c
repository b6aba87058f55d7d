/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses a unit file with arbitrary contents: parsing terminates, and every word that is written is
 * read back unchanged.
 */

#include "fuzz.h"
#include "generator/unit-file.h"
#include "generator/words.h"

static void check_words(const char *value) {
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) again = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) line = g_string_new(NULL);

    berth_words_split(words, value);
    for (unsigned i = 0; i < words->len; i++) {
        g_string_append_c(line, ' ');
        berth_words_append(line, words->pdata[i]);
    }
    g_assert_true(berth_words_split(again, line->str));
    g_assert_cmpuint(words->len, ==, again->len);
    for (unsigned i = 0; i < words->len; i++)
        g_assert_cmpstr(words->pdata[i], ==, again->pdata[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(BerthUnitFile) file = berth_unit_file_new();
    g_autoptr(BerthProblems) problems = berth_problems_new();

    berth_unit_file_parse(file, "web.container", (const char *)data, size, problems);
    for (unsigned i = 0; i < file->lines->len; i++) {
        const BerthUnitLine *line = file->lines->pdata[i];
        if (line->key)
            check_words(line->value);
    }
    return 0;
}
