/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fetch/challenge.h"

static void test_bearer(void) {
    g_autoptr(BerthChallenge) challenge = berth_challenge_parse(
        "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
        "scope=\"repository:library/redis:pull\"\n",
        true, NULL);

    g_assert_nonnull(challenge);
    g_assert_cmpstr(challenge->realm, ==, "https://auth.docker.io/token");
    g_assert_cmpstr(challenge->service, ==, "registry.docker.io");
    g_assert_cmpstr(challenge->scope, ==, "repository:library/redis:pull");
}

static void test_forms_that_occur(void) {
    g_autoptr(BerthChallenge) spaces =
        berth_challenge_parse("bearer realm = \"a\\\"b\" , scope=x\n", true, NULL);
    g_autoptr(BerthChallenge) second =
        berth_challenge_parse("Basic realm=\"x\"\nBearer realm=\"r\",scope=\"a,b\"\n", true, NULL);

    g_assert_cmpstr(spaces->realm, ==, "a\"b");
    g_assert_cmpstr(spaces->scope, ==, "x");
    g_assert_cmpstr(spaces->service, ==, "");
    g_assert_cmpstr(second->realm, ==, "r");
    g_assert_cmpstr(second->scope, ==, "a,b");
}

static void test_realm_and_scope_are_needed(void) {
    static const char *const bad[] = {
        "",          "Digest realm=\"x\"\n", "Bearer realm=\"x\"\n", "Bearer scope=\"x\"\n",
        "Bearer \n", "Bearer realm=\"x"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(berth_challenge_parse(bad[i], true, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_UNAUTHORIZED);
    }
}

static void test_basic_is_answered_where_there_is_no_bearer(void) {
    g_autoptr(BerthChallenge) basic = berth_challenge_parse("Basic realm=\"x\"\n", true, NULL);
    g_autoptr(BerthChallenge) both =
        berth_challenge_parse("basic realm=\"x\"\nBearer realm=\"r\",scope=\"s\"\n", true, NULL);

    g_assert_true(basic && basic->is_basic);
    g_assert_true(both && !both->is_basic);
}

static void test_a_root_names_no_scope(void) {
    g_autoptr(BerthChallenge) root =
        berth_challenge_parse("Bearer realm=\"r\",service=\"s\"\n", false, NULL);

    g_assert_true(root && !root->scope);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/challenge/bearer", test_bearer);
    g_test_add_func("/challenge/forms-that-occur", test_forms_that_occur);
    g_test_add_func("/challenge/realm-and-scope-are-needed", test_realm_and_scope_are_needed);
    g_test_add_func("/challenge/basic-is-answered-where-there-is-no-bearer",
                    test_basic_is_answered_where_there_is_no_bearer);
    g_test_add_func("/challenge/a-root-names-no-scope", test_a_root_names_no_scope);
    return g_test_run();
}
