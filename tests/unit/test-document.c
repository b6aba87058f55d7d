/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON with limits: depth, size and types. */

#include "base/document.h"
#include "base/limits.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JSON_C_0_17 = 17 << 8 };

static json_object *parse(const char *text, GError **error) {
    return berth_document_parse(text, strlen(text), error);
}

static void assert_refused(const char *text) {
    g_autoptr(GError) error = NULL;

    g_assert_null(parse(text, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
}

static void test_depth_is_limited(void) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    for (int i = 0; i < 10000; i++)
        g_string_append(text, "{\"a\":");
    g_assert_null(parse(text->str, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
}

static void test_brackets_in_strings_do_not_count(void) {
    g_autoptr(GString) text = g_string_new("{\"a\":\"\\\"");
    g_autoptr(GError) error = NULL;

    for (int i = 0; i < 200; i++)
        g_string_append(text, "[{");
    g_string_append(text, "\"}");
    g_autoptr(json_object) object = parse(text->str, &error);
    g_assert_no_error(error);
    g_assert_nonnull(object);
}

static void test_size_is_limited(void) {
    g_autofree char *text = g_malloc(BERTH_MAX_DOCUMENT_BYTES + 1);
    g_autoptr(GError) error = NULL;

    memset(text, ' ', BERTH_MAX_DOCUMENT_BYTES + 1);
    g_assert_null(berth_document_parse(text, BERTH_MAX_DOCUMENT_BYTES + 1, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
}

static char *make_objects(unsigned count) {
    g_autoptr(GString) text = g_string_new("{\"a\":[{}");

    for (unsigned i = 2; i < count; i++)
        g_string_append(text, ",{}");
    g_string_append(text, "]}");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void test_the_number_of_objects_is_limited(void) {
    g_autofree char *many = make_objects(BERTH_DOCUMENT_MAX_OBJECTS);
    g_autofree char *more = make_objects(BERTH_DOCUMENT_MAX_OBJECTS + 1);
    g_autoptr(GError) error = NULL;
    g_autoptr(json_object) object = parse(many, &error);

    g_assert_no_error(error);
    g_assert_nonnull(object);
    g_assert_null(parse(more, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
}

static void test_there_is_one_value(void) {
    static const char *const bad[] = {"{}{}", "{\"a\":1} 2", "{\"a\":{}},{\"a\":1}",
                                      "{};",  "{}]",         "{} // comment"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_refused(bad[i]);
    g_autoptr(json_object) object = parse(" {\"a\":[{}]}\n\t ", NULL);
    g_assert_nonnull(object);
}

static void test_half_a_surrogate_pair_is_a_replacement_character(void) {
    static const struct {
        const char *text, *value;
    } cases[] = {
        {"{\"a\":\"\\ud83d\"}", "\xef\xbf\xbd"},
        {"{\"a\":\"\\uDE00\\ud83dxy\"}", "\xef\xbf\xbd\xef\xbf\xbdxy"},
        {"{\"a\":\"\\ud83d\\u0041\"}", "\xef\xbf\xbd"
                                       "A"},
        {"{\"a\":\"\\ud83d\\ude00\"}", "\xf0\x9f\x98\x80"},
        {"{\"a\":\"\\\\ud83d\"}", "\\ud83d"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_object) object = parse(cases[i].text, &error);
        const char *value;
        g_assert_no_error(error);
        g_assert_true(berth_document_get_string(object, "a", &value, &error));
        g_assert_cmpstr(value, ==, cases[i].value);
    }
}

/* Member "a" of the document. */
static void assert_member(const char *text, const char *expected) {
    g_autoptr(GError) error = NULL;
    g_autoptr(json_object) object = parse(text, &error);
    const char *value;

    g_assert_no_error(error);
    g_assert_true(berth_document_get_string(object, "a", &value, &error));
    g_assert_cmpstr(value, ==, expected);
}

static void test_characters_beyond_ascii_are_kept(void) {
    assert_member("{\"\xc3\xa9\":1,\"a\":\"\xc2\x80\xc3\xa9 \xe2\x82\xac\xf0\x9f\x98\x80\"}",
                  "\xc2\x80\xc3\xa9 \xe2\x82\xac\xf0\x9f\x98\x80");
    assert_member("{\"a\":\"\\\\\xc3\xa9\\n\xef\xbf\xbf\"}", "\\\xc3\xa9\n\xef\xbf\xbf");
    assert_member("{\"a\":\"\\ud83d\xf0\x9f\x98\x80\"}", "\xef\xbf\xbd\xf0\x9f\x98\x80");
    assert_refused("{\"a\":\"\\\xc3\xa9\"}");
    assert_refused("{\"a\":\xc3\xa9}");
    g_autoptr(json_object) object = parse("{\"\xc3\xa9\":\"\xf4\x8f\xbf\xbf\"}", NULL);
    g_autofree char *written = berth_document_print(object, false);
    g_assert_cmpstr(written, ==, "{\"\xc3\xa9\":\"\xf4\x8f\xbf\xbf\"}");
}

static char *make_levels(unsigned arrays, const char *inside) {
    g_autoptr(GString) text = g_string_new("{\"a\":");

    for (unsigned i = 0; i < arrays; i++)
        g_string_append_c(text, '[');
    g_string_append(text, inside);
    for (unsigned i = 0; i < arrays; i++)
        g_string_append_c(text, ']');
    g_string_append_c(text, '}');
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void test_64_levels_are_accepted_and_65_are_refused(void) {
    g_autofree char *deep = make_levels(BERTH_DOCUMENT_MAX_DEPTH - 1, "1");
    g_autofree char *deeper = make_levels(BERTH_DOCUMENT_MAX_DEPTH, "1");
    g_autoptr(GError) error = NULL;
    g_autoptr(json_object) object = parse(deep, &error);

    g_assert_no_error(error);
    g_assert_nonnull(object);
    g_assert_null(parse(deeper, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
}

static void test_a_number_beyond_64_bits_that_nobody_reads_is_accepted(void) {
    if (json_c_version_num() >= JSON_C_0_17) {
        g_test_skip("json-c 0.17 and later refuse an integer beyond 64 bits");
        return;
    }
    assert_member("{\"n\":18446744073709551616,\"m\":-9223372036854775809,\"a\":\"b\"}", "b");
    assert_member("{\"n\":1e999,\"a\":\"b\"}", "b");
}

/* Numbers are copied as text from one document to another, which they would make invalid. */
static void test_numbers_that_json_does_not_have_are_refused(void) {
    static const char *const bad[] = {"NaN",  "Infinity", "-Infinity", "5.",  "-5.", "00.5",
                                      "-.5",  ".5",       "5.e3",      "5e",  "5e+", "01e1",
                                      "+1.5", "1.5.5",    "0x10",      "1.5f"};
    static const char *const good[] = {"0", "-0", "-0.0", "0.5", "1e5", "1E+5", "10.25e-30"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *text = make_levels(1, bad[i]);
        assert_refused(text);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *text = make_levels(1, good[i]);
        g_autoptr(json_object) object = parse(text, NULL);
        g_assert_nonnull(object);
    }
}

static void test_a_number_is_written_as_it_was_read(void) {
    static const char text[] = "{\"a\":[1.50,1e5,-7,9223372036854775807,0.10]}";
    g_autoptr(json_object) object = parse(text, NULL);
    g_autofree char *written = berth_document_print(object, false);

    g_assert_cmpstr(written, ==, text);
}

static void test_a_member_may_have_an_empty_name(void) {
    g_autoptr(json_object) object = parse("{\"\":\"x\"}", NULL);
    const char *value;

    g_assert_true(berth_document_get_string(object, "", &value, NULL));
    g_assert_cmpstr(value, ==, "x");
    assert_member("{\"\":1,\"a\":\"b\"}", "b");
}

static void test_the_last_of_equal_members_counts(void) {
    assert_member("{\"a\":\"first\",\"b\":1,\"a\":\"last\"}", "last");
    assert_member("{\"a\":{\"a\":1},\"a\":\"last\"}", "last");
}

static void test_a_byte_order_mark_is_skipped(void) {
    assert_member("\xef\xbb\xbf{\"a\":\"b\"}", "b");
    assert_refused("\xef\xbb\xbf");
    assert_refused("\xef\xbb\xbf\xef\xbb\xbf{}");
    assert_refused(" \xef\xbb\xbf{}");
    assert_refused("{}\xef\xbb\xbf");
}

static void test_incomplete_documents_are_refused(void) {
    static const char *const texts[] = {
        " ",           "{",           "{\"",          "{\"a",       "{\"a\"",
        "{\"a\":",     "{\"a\":1",    "{\"a\":1,",    "{\"a\":tru", "{\"a\":\"x",
        "{\"a\":\"\\", "{\"a\":[1,2", "{\"a\":[1,2]", "{\"a\":{}"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_refused(texts[i]);
}

static void test_documents_other_than_objects_are_refused(void) {
    static const char *const texts[] = {"",    "[]",       "1",        "\"x\"",   "null",
                                        "{",   "{\"a\":}", "\xff\xfe", "null ",   " null\n",
                                        "1\n", "\"x\"\n",  "[] ",      "{\"a\":1"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_refused(texts[i]);
}

static void test_members_of_wrong_types_are_named(void) {
    g_autoptr(json_object) object =
        parse("{\"s\":1,\"y\":\"x\\u0000y\",\"o\":[],\"a\":{},\"n\":-1,\"v\":[1],\"z\":null,\"f\":"
              "1.5,\"h\":9223372036854775808,\"e\":18446744073709551616,\"l\":"
              "-9223372036854775809}",
              NULL);
    const char *string;
    json_object *member, *array;
    uint64_t size;
    int64_t number;
    char **vector;

    g_assert_false(berth_document_get_string(object, "s", &string, NULL));
    g_assert_false(berth_document_get_string(object, "y", &string, NULL));
    g_assert_false(berth_document_get_object(object, "o", &member, NULL));
    g_assert_false(berth_document_get_array(object, "a", &array, NULL));
    g_assert_false(berth_document_get_size(object, "n", &size, NULL));
    g_assert_false(berth_document_get_size(object, "f", &size, NULL));
    g_assert_false(berth_document_get_size(object, "h", &size, NULL));
    g_assert_false(berth_document_get_size(object, "e", &size, NULL));
    g_assert_false(berth_document_get_int(object, "h", &number, NULL));
    g_assert_false(berth_document_get_int(object, "l", &number, NULL));
    g_assert_false(berth_document_get_strings(object, "v", &vector, NULL));
    g_assert_true(berth_document_get_string(object, "z", &string, NULL));
    g_assert_null(string);
    g_assert_true(berth_document_get_strings(object, "missing", &vector, NULL));
    g_assert_cmpuint(g_strv_length(vector), ==, 0);
    g_strfreev(vector);
}

static void test_maps_keep_their_values(void) {
    g_autoptr(json_object) object = parse("{\"Labels\":{\"a\":\"b\",\"c\":null}}", NULL);
    g_auto(GStrv) labels = NULL;

    g_assert_true(berth_document_get_keys(object, "Labels", true, &labels, NULL));
    g_assert_cmpuint(g_strv_length(labels), ==, 4);
}

static void test_only_a_file_of_limited_size_is_read(void) {
    g_autofree char *directory = g_dir_make_tmp("berth-document-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(directory, "file", NULL);
    g_autofree char *link = g_build_filename(directory, "link", NULL);
    g_autofree char *fifo = g_build_filename(directory, "fifo", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(file, "{\"a\":1}", -1, NULL));
    g_assert_cmpint(symlink("file", link), ==, 0);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    g_autoptr(json_object) object = berth_document_read(AT_FDCWD, file, 7, &error);
    g_assert_no_error(error);
    g_assert_nonnull(object);
    g_assert_null(berth_document_read(AT_FDCWD, file, 6, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
    g_assert_null(berth_document_read(AT_FDCWD, link, 7, NULL));
    /* Returns without waiting for a writer. */
    g_assert_null(berth_document_read(AT_FDCWD, fifo, 7, NULL));
    g_unlink(file);
    g_unlink(link);
    g_unlink(fifo);
    g_rmdir(directory);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/document/depth-is-limited", test_depth_is_limited);
    g_test_add_func("/document/brackets-in-strings-do-not-count",
                    test_brackets_in_strings_do_not_count);
    g_test_add_func("/document/size-is-limited", test_size_is_limited);
    g_test_add_func("/document/the-number-of-objects-is-limited",
                    test_the_number_of_objects_is_limited);
    g_test_add_func("/document/there-is-one-value", test_there_is_one_value);
    g_test_add_func("/document/half-a-surrogate-pair-is-a-replacement-character",
                    test_half_a_surrogate_pair_is_a_replacement_character);
    g_test_add_func("/document/characters-beyond-ascii-are-kept",
                    test_characters_beyond_ascii_are_kept);
    g_test_add_func("/document/64-levels-are-accepted-and-65-are-refused",
                    test_64_levels_are_accepted_and_65_are_refused);
    g_test_add_func("/document/a-number-beyond-64-bits-that-nobody-reads-is-accepted",
                    test_a_number_beyond_64_bits_that_nobody_reads_is_accepted);
    g_test_add_func("/document/numbers-that-json-does-not-have-are-refused",
                    test_numbers_that_json_does_not_have_are_refused);
    g_test_add_func("/document/a-number-is-written-as-it-was-read",
                    test_a_number_is_written_as_it_was_read);
    g_test_add_func("/document/a-member-may-have-an-empty-name",
                    test_a_member_may_have_an_empty_name);
    g_test_add_func("/document/the-last-of-equal-members-counts",
                    test_the_last_of_equal_members_counts);
    g_test_add_func("/document/a-byte-order-mark-is-skipped", test_a_byte_order_mark_is_skipped);
    g_test_add_func("/document/incomplete-documents-are-refused",
                    test_incomplete_documents_are_refused);
    g_test_add_func("/document/documents-other-than-objects-are-refused",
                    test_documents_other_than_objects_are_refused);
    g_test_add_func("/document/members-of-wrong-types-are-named",
                    test_members_of_wrong_types_are_named);
    g_test_add_func("/document/only-a-file-of-limited-size-is-read",
                    test_only_a_file_of_limited_size_is_read);
    g_test_add_func("/document/maps-keep-their-values", test_maps_keep_their_values);
    return g_test_run();
}
