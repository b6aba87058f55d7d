/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "base/json.h"

#include <string.h>

static JsonNode *parse(const char *text, GError **error) {
    return json_parse(text, strlen(text), 8, error);
}

/* What is read and written again, as one line. */
static char *reprint(const char *text) {
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = parse(text, &error);

    g_assert_no_error(error);
    return json_to_string(node, false);
}

static void test_values_survive(void) {
    static const struct {
        const char *text, *printed;
    } values[] = {
        {" null ", "null"},
        {"true", "true"},
        {"false", "false"},
        {"0", "0"},
        {"-0", "0"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", "9.2233720368547758e+18"},
        {"1.5e3", "1500.0"},
        {"1E-2", "0.01"},
        {"\"\"", "\"\""},
        {"\"a\\u0041\\n\\/\"", "\"aA\\n/\""},
        {"\"\\u00e9\\ud83d\\ude00\"", "\"é😀\""},
        {"\"\x7f\\u001f\"", "\"\\u007f\\u001f\""},
        {"[]", "[]"},
        {"{ }", "{}"},
        {"[1 , [\"x\"],{\"a\" : null}]", "[1,[\"x\"],{\"a\":null}]"},
        {"{\"z\":1,\"a\":2,\"z\":3}", "{\"z\":3,\"a\":2}"},
        {"{\"\":1}", "{\"\":1}"},
        {"\"a\\u0000b\"", "\"a\xef\xbf\xbd"
                          "b\""},
        {"\xef\xbb\xbf[]", "[]"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autofree char *printed = reprint(values[i].text);
        g_assert_cmpstr(printed, ==, values[i].printed);
    }
}

/* Half of a pair is no character. */
static void test_lone_surrogates_are_replaced(void) {
    static const char *const texts[] = {"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\n\"",
                                        "\"\\ud800\\ud800\""};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(JsonNode) node = parse(texts[i], NULL);
        g_assert_true(g_str_has_prefix(json_node_get_string(node), "\xef\xbf\xbd"));
        g_assert_true(g_utf8_validate(json_node_get_string(node), -1, NULL));
    }
}

static void test_malformed_text_is_refused(void) {
    static const char *const texts[] = {
        "",    " ",       "nul",        "nulL",      "01",       "+1",        "1.",
        ".5",  "-",       "1e",         "1e999",     "0x1",      "NaN",       "'a'",
        "\"a", "\"\\x\"", "\"\\",       "\"\\u12\"", "\"\n\"",   "[1,]",      "[1 2]",
        "[",   "{\"a\"}", "{\"a\":1,}", "{a:1}",     "{\"a\":1", "{} {}",     "1 /* c */",
        "[1}", "// c\n1", "\"\\u\"",    "var a = 1", "{\"a\":}", "{\"a\" 1}", "\x01",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(texts[i], &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
}

/* Each beginning of a text is one that ends too early; none is read beyond its end, which the
 * sanitizers would see. */
static void test_no_byte_behind_the_end_is_read(void) {
    static const char text[] = "{\"a\\u0041\":[true,false,null,-1.5e+3,\"\\ud83d\\ude00\"]}";

    for (size_t size = 0; size < strlen(text); size++) {
        g_autofree char *copy = g_memdup2(text, size);
        g_autoptr(GError) error = NULL;
        g_assert_null(json_parse(copy, size, 8, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
}

static void test_depth_has_its_limit(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = parse("[[[[[[[{}]]]]]]]", NULL);

    g_assert_nonnull(node);
    g_assert_null(parse("[[[[[[[{\"a\":[]}]]]]]]]", &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
}

/* With fewer members than are indexed, with more, and after some have gone. */
static void test_members_are_found_however_many_they_are(void) {
    for (unsigned count = 1; count < 60; count += 7) {
        g_autoptr(JsonObject) object = json_object_new();
        for (unsigned i = 0; i < count; i++) {
            g_autofree char *name = g_strdup_printf("m%u", i);
            json_object_set_int_member(object, name, -1);
            json_object_set_int_member(object, name, i);
        }
        for (unsigned i = 0; i < count; i += 3) {
            g_autofree char *name = g_strdup_printf("m%u", i);
            json_object_remove_member(object, name);
        }
        json_object_remove_member(object, "none");
        for (unsigned i = 0; i < count; i++) {
            g_autofree char *name = g_strdup_printf("m%u", i);
            g_assert_cmpint(json_object_has_member(object, name), ==, i % 3 != 0);
            if (i % 3 != 0)
                g_assert_cmpint(json_node_get_int(json_object_get_member(object, name)), ==, i);
        }
        g_assert_cmpuint(json_object_get_size(object), ==, count - (count + 2) / 3);
    }
}

static void test_what_is_of_another_type_is_not_got(void) {
    g_autoptr(JsonNode) node = parse("{\"a\":[1],\"b\":true}", NULL);
    JsonObject *object = json_node_get_object(node);

    g_assert_null(json_object_get_object_member(object, "a"));
    g_assert_nonnull(json_object_get_array_member(object, "a"));
    g_assert_null(json_object_get_string_member(object, "b"));
    g_assert_true(json_object_get_boolean_member(object, "b"));
    g_assert_null(json_array_get_object_element(json_object_get_array_member(object, "a"), 0));
    g_assert_null(json_node_get_array(node));
}

static void test_a_built_value_is_printed(void) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "list");
    json_builder_begin_array(builder);
    json_builder_add_int_value(builder, 1);
    json_builder_add_boolean_value(builder, true);
    json_builder_add_string_value(builder, NULL);
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "none");
    json_builder_begin_object(builder);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *line = json_to_string(root, false);
    g_autofree char *pretty = json_to_string(root, true);
    g_assert_cmpstr(line, ==, "{\"list\":[1,true,null],\"none\":{}}");
    g_assert_cmpstr(pretty, ==,
                    "{\n  \"list\" : [\n    1,\n    true,\n    null\n  ],\n  \"none\" : {}\n}");
}

/* A copy's own members may change; what they hold is shared. */
static void test_copies_share_what_they_hold(void) {
    g_autoptr(JsonNode) node = parse("{\"a\":{\"b\":1}}", NULL);
    g_autoptr(JsonNode) copy = json_node_copy(node);

    g_assert_true(json_node_get_object(copy) == json_node_get_object(node));
    g_clear_pointer(&node, json_node_unref);
    g_autofree char *text = json_to_string(copy, false);
    g_assert_cmpstr(text, ==, "{\"a\":{\"b\":1}}");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/values-survive", test_values_survive);
    g_test_add_func("/json/lone-surrogates-are-replaced", test_lone_surrogates_are_replaced);
    g_test_add_func("/json/malformed-text-is-refused", test_malformed_text_is_refused);
    g_test_add_func("/json/no-byte-behind-the-end-is-read", test_no_byte_behind_the_end_is_read);
    g_test_add_func("/json/depth-has-its-limit", test_depth_has_its_limit);
    g_test_add_func("/json/members-are-found-however-many-they-are",
                    test_members_are_found_however_many_they_are);
    g_test_add_func("/json/what-is-of-another-type-is-not-got",
                    test_what_is_of_another_type_is_not_got);
    g_test_add_func("/json/a-built-value-is-printed", test_a_built_value_is_printed);
    g_test_add_func("/json/copies-share-what-they-hold", test_copies_share_what_they_hold);
    return g_test_run();
}
