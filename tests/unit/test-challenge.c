/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* WWW-Authenticate headers as registries send them, and the challenge that is chosen. */

#include "fetch/challenge.h"

static void test_bearer(void) {
    g_autoptr(BerthChallenge) challenge = berth_challenge_parse(
        "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
        "scope=\"repository:library/redis:pull\"\n",
        NULL, NULL);

    g_assert_nonnull(challenge);
    g_assert_cmpstr(challenge->realm, ==, "https://auth.docker.io/token");
    g_assert_cmpstr(challenge->service, ==, "registry.docker.io");
    g_assert_cmpstr(challenge->scope, ==, "repository:library/redis:pull");
}

static void test_forms_that_occur(void) {
    g_autoptr(BerthChallenge) spaces =
        berth_challenge_parse("bearer realm = \"a\\\"b\" , scope=x\n", NULL, NULL);
    g_autoptr(BerthChallenge) second =
        berth_challenge_parse("Basic realm=\"x\"\nBearer realm=\"r\",scope=\"a,b\"\n", NULL, NULL);

    g_assert_cmpstr(spaces->realm, ==, "a\"b");
    g_assert_cmpstr(spaces->scope, ==, "x");
    g_assert_cmpstr(spaces->service, ==, "");
    g_assert_cmpstr(second->realm, ==, "r");
    g_assert_cmpstr(second->scope, ==, "a,b");
}

static void test_a_realm_is_required(void) {
    static const char *const bad[] = {"",          "Digest realm=\"x\"\n",  "Bearer scope=\"x\"\n",
                                      "Bearer \n", "Bearerx realm=\"x\"\n", "Bearer realm=\"\"\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(berth_challenge_parse(bad[i], "s", &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_UNAUTHORIZED);
    }
}

static void test_an_absent_scope_is_that_of_the_request(void) {
    g_autoptr(BerthChallenge) bare = berth_challenge_parse("Bearer realm=\"r\"\n", "mine", NULL);
    g_autoptr(BerthChallenge) empty =
        berth_challenge_parse("Bearer realm=\"r\",scope=\"\"\n", "mine", NULL);
    g_autoptr(BerthChallenge) said =
        berth_challenge_parse("Bearer realm=\"r\",scope=\"theirs\"\n", NULL, NULL);

    g_assert_cmpstr(bare->scope, ==, "mine");
    g_assert_cmpstr(empty->scope, ==, "mine");
    g_assert_cmpstr(said->scope, ==, "theirs");
}

static void test_a_scope_for_something_else_is_completed(void) {
    static const struct {
        const char *theirs, *whole;
    } cases[] = {
        {"aws", "aws repository:a/b:pull"},
        {"registry:catalog:*", "registry:catalog:* repository:a/b:pull"},
        {"repository:b:pull", "repository:b:pull repository:a/b:pull"},
        {"repository:a/b/c:pull", "repository:a/b/c:pull repository:a/b:pull"},
        {"repository:a/b:pull,push", "repository:a/b:pull,push"},
        {"repository(plugin):a/b:pull", "repository(plugin):a/b:pull"},
        {"registry:catalog:* repository:a/b:*", "registry:catalog:* repository:a/b:*"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *header =
            g_strconcat("Bearer realm=r,scope=\"", cases[i].theirs, "\"", NULL);
        g_autoptr(BerthChallenge) challenge =
            berth_challenge_parse(header, "repository:a/b:pull", NULL);
        g_assert_cmpstr(challenge->scope, ==, cases[i].whole);
    }
}

static void test_several_challenges_in_a_header(void) {
    static const char *const lines[] = {
        "Basic realm=\"x\", Bearer realm=\"r\",service=\"v\",scope=\"s\"\n",
        "Bearer realm=\"r\",service=\"v\",scope=\"s\", Basic realm=\"x\"\n",
        "Negotiate, NTLM, Bearer realm=r, service=v, scope=s\n",
        "Negotiate abc==, Bearer realm=\"r\", service=\"v\", scope=\"s\"\n",
        "Digest realm=\"d\", nonce=\"Bearer realm=no\", bearer Realm=\"r\",service=v,scope=s\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(BerthChallenge) challenge = berth_challenge_parse(lines[i], NULL, NULL);
        g_assert_nonnull(challenge);
        g_assert_false(challenge->is_basic);
        g_assert_cmpstr(challenge->realm, ==, "r");
        g_assert_cmpstr(challenge->service, ==, "v");
        g_assert_cmpstr(challenge->scope, ==, "s");
    }
}

static void test_basic_is_chosen_without_bearer(void) {
    g_autoptr(BerthChallenge) basic = berth_challenge_parse("Basic realm=\"x\"\n", NULL, NULL);
    g_autoptr(BerthChallenge) both =
        berth_challenge_parse("basic realm=\"x\"\nBearer realm=\"r\",scope=\"s\"\n", NULL, NULL);

    g_assert_true(basic && basic->is_basic);
    g_assert_true(both && !both->is_basic);
}

static void test_without_a_repository_there_is_no_scope(void) {
    g_autoptr(BerthChallenge) root =
        berth_challenge_parse("Bearer realm=\"r\",service=\"s\"\n", NULL, NULL);

    g_assert_true(root && !root->scope);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/challenge/bearer", test_bearer);
    g_test_add_func("/challenge/forms-that-occur", test_forms_that_occur);
    g_test_add_func("/challenge/a-realm-is-required", test_a_realm_is_required);
    g_test_add_func("/challenge/an-absent-scope-is-that-of-the-request",
                    test_an_absent_scope_is_that_of_the_request);
    g_test_add_func("/challenge/scope-for-something-else",
                    test_a_scope_for_something_else_is_completed);
    g_test_add_func("/challenge/several-challenges-in-a-header",
                    test_several_challenges_in_a_header);
    g_test_add_func("/challenge/basic-is-chosen-without-bearer",
                    test_basic_is_chosen_without_bearer);
    g_test_add_func("/challenge/without-a-repository-there-is-no-scope",
                    test_without_a_repository_there_is_no_scope);
    return g_test_run();
}
