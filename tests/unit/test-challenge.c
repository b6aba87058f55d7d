/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fetch/challenge.h"

static void test_bearer(void) {
    g_autoptr(BerthChallenge) challenge = berth_challenge_parse(
        "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
        "scope=\"repository:library/redis:pull\"\n",
        NULL);

    g_assert_nonnull(challenge);
    g_assert_cmpstr(challenge->realm, ==, "https://auth.docker.io/token");
    g_assert_cmpstr(challenge->service, ==, "registry.docker.io");
    g_assert_cmpstr(challenge->scope, ==, "repository:library/redis:pull");
}

static void test_forms_that_occur(void) {
    g_autoptr(BerthChallenge) spaces =
        berth_challenge_parse("bearer realm = \"a\\\"b\" , scope=x\n", NULL);
    g_autoptr(BerthChallenge) second =
        berth_challenge_parse("Basic realm=\"x\"\nBearer realm=\"r\",scope=\"a,b\"\n", NULL);

    g_assert_cmpstr(spaces->realm, ==, "a\"b");
    g_assert_cmpstr(spaces->scope, ==, "x");
    g_assert_cmpstr(spaces->service, ==, "");
    g_assert_cmpstr(second->realm, ==, "r");
    g_assert_cmpstr(second->scope, ==, "a,b");
}

static void test_realm_and_scope_are_needed(void) {
    static const char *const bad[] = {
        "",          "Basic realm=\"x\"\n", "Bearer realm=\"x\"\n", "Bearer scope=\"x\"\n",
        "Bearer \n", "Bearer realm=\"x"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(berth_challenge_parse(bad[i], &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_UNAUTHORIZED);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/challenge/bearer", test_bearer);
    g_test_add_func("/challenge/forms-that-occur", test_forms_that_occur);
    g_test_add_func("/challenge/realm-and-scope-are-needed", test_realm_and_scope_are_needed);
    return g_test_run();
}
