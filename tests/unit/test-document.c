/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON with limits: depth, size and types. */

#include "base/document.h"
#include "base/limits.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static JsonNode *parse(const char *text, GError **error) {
    return berth_document_parse(text, strlen(text), error);
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
    g_autoptr(JsonNode) node = parse(text->str, &error);
    g_assert_no_error(error);
    g_assert_nonnull(node);
}

static void test_size_is_limited(void) {
    g_autofree char *text = g_malloc(BERTH_MAX_DOCUMENT_BYTES + 1);
    g_autoptr(GError) error = NULL;

    memset(text, ' ', BERTH_MAX_DOCUMENT_BYTES + 1);
    g_assert_null(berth_document_parse(text, BERTH_MAX_DOCUMENT_BYTES + 1, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
}

static void test_there_is_one_value(void) {
    static const char *const bad[] = {"{}{}", "{\"a\":1} 2", "{\"a\":{}},{\"a\":1}", "{};", "{}]"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(bad[i], &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
    g_autoptr(JsonNode) node = parse(" {\"a\":[{}]}\n\t ", NULL);
    g_assert_nonnull(node);
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
        g_autoptr(JsonNode) node = parse(cases[i].text, &error);
        const char *value;
        g_assert_no_error(error);
        g_assert_true(berth_document_get_string(json_node_get_object(node), "a", &value, &error));
        g_assert_cmpstr(value, ==, cases[i].value);
    }
}

static void test_documents_other_than_objects_are_refused(void) {
    static const char *const texts[] = {"",  "[]",       "1",        "\"x\"",   "null",
                                        "{", "{\"a\":}", "\xff\xfe", "{\"a\":1"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(texts[i], &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
}

static void test_members_of_wrong_types_are_named(void) {
    g_autoptr(JsonNode) node =
        parse("{\"s\":1,\"o\":[],\"a\":{},\"n\":-1,\"v\":[1],\"z\":null,\"f\":1.5}", NULL);
    JsonObject *object = json_node_get_object(node);
    const char *string;
    JsonObject *member;
    JsonArray *array;
    uint64_t size;
    char **vector;

    g_assert_false(berth_document_get_string(object, "s", &string, NULL));
    g_assert_false(berth_document_get_object(object, "o", &member, NULL));
    g_assert_false(berth_document_get_array(object, "a", &array, NULL));
    g_assert_false(berth_document_get_size(object, "n", &size, NULL));
    g_assert_false(berth_document_get_size(object, "f", &size, NULL));
    g_assert_false(berth_document_get_strings(object, "v", &vector, NULL));
    g_assert_true(berth_document_get_string(object, "z", &string, NULL));
    g_assert_null(string);
    g_assert_true(berth_document_get_strings(object, "missing", &vector, NULL));
    g_assert_cmpuint(g_strv_length(vector), ==, 0);
    g_strfreev(vector);
}

static void test_maps_keep_their_values(void) {
    g_autoptr(JsonNode) node = parse("{\"Labels\":{\"a\":\"b\",\"c\":null}}", NULL);
    g_auto(GStrv) labels = NULL;

    g_assert_true(
        berth_document_get_keys(json_node_get_object(node), "Labels", true, &labels, NULL));
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
    g_autoptr(JsonNode) node = berth_document_read(AT_FDCWD, file, 7, &error);
    g_assert_no_error(error);
    g_assert_nonnull(node);
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
    g_test_add_func("/document/there-is-one-value", test_there_is_one_value);
    g_test_add_func("/document/half-a-surrogate-pair-is-a-replacement-character",
                    test_half_a_surrogate_pair_is_a_replacement_character);
    g_test_add_func("/document/documents-other-than-objects-are-refused",
                    test_documents_other_than_objects_are_refused);
    g_test_add_func("/document/members-of-wrong-types-are-named",
                    test_members_of_wrong_types_are_named);
    g_test_add_func("/document/only-a-file-of-limited-size-is-read",
                    test_only_a_file_of_limited_size_is_read);
    g_test_add_func("/document/maps-keep-their-values", test_maps_keep_their_values);
    return g_test_run();
}
