/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parsing a token server's response. */

#include "fetch/token.h"

#include <string.h>

static BerthToken *read_token(const char *text, GError **error) {
    return berth_token_read(text, strlen(text), error);
}

static void test_both_names(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthToken) first = read_token("{\"token\":\"abc\"}", &error);
    g_autoptr(BerthToken) second =
        read_token("{\"access_token\":\"def\",\"expires_in\":9}", &error);

    g_assert_no_error(error);
    g_assert_cmpstr(first->text, ==, "abc");
    g_assert_cmpstr(second->text, ==, "def");
    g_assert_true(berth_token_is_fresh(first));
    g_assert_true(berth_token_is_fresh(second));
}

static void test_lifetime(void) {
    g_autoptr(BerthToken) token = read_token("{\"token\":\"abc\",\"expires_in\":300}", NULL);
    g_autoptr(BerthToken) endless =
        read_token("{\"token\":\"abc\",\"expires_in\":9000000000000000000}", NULL);
    int64_t now = g_get_monotonic_time();

    g_assert_cmpint(token->expires_usec, >, now + (int64_t)200 * G_USEC_PER_SEC);
    g_assert_cmpint(token->expires_usec, <=, now + (int64_t)300 * G_USEC_PER_SEC);
    g_assert_cmpint(endless->expires_usec, <=, now + (int64_t)25 * 3600 * G_USEC_PER_SEC);
    token->expires_usec = now - 1;
    g_assert_false(berth_token_is_fresh(token));
}

static void test_unusable(void) {
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"token\":\"\"}",
                                      "{\"token\":1}",
                                      "{\"token\":\"a b\"}",
                                      "{\"token\":\"a\\r\\nX-Header: b\"}",
                                      "{\"token\":\"\\u00e4\"}"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(read_token(bad[i], &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_UNAUTHORIZED);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/token/both-names", test_both_names);
    g_test_add_func("/token/lifetime", test_lifetime);
    g_test_add_func("/token/unusable", test_unusable);
    return g_test_run();
}
