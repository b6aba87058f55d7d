/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials in auth.json: which entry is used, and credential helpers. */

#include "base/credentials.h"

#include <string.h>

static const char file[] =
    "{\"auths\":{\"r.example\":{\"auth\":\"YTpi\"},\"r.example/web\":{\"auth\":\"YzpkOmU=\"},"
    "\"https://index.docker.io/v1/\":{\"identitytoken\":\"t\"},\"bad\":{\"auth\":\"YQ==\"},"
    "\"empty\":{}},\"credHelpers\":{\"h.example\":\"pass\"},\"credsStore\":\"store\"}";

typedef struct {
    BerthCredentials *credentials;
    char *helper, *key;
} Found;

static Found find(const char *locator) {
    Found found = {0};

    g_assert_true(berth_auth_file_find(file, strlen(file), locator, &found.credentials,
                                       &found.helper, &found.key, NULL));
    return found;
}

static void clear(Found *found) {
    berth_credentials_free(found->credentials);
    g_free(found->helper);
    g_free(found->key);
}

static void test_the_longest_prefix_counts(void) {
    Found whole = find("r.example/app"), part = find("r.example/web/app"),
          near = find("r.example/website"), other = find("R.example:443/web/app");

    g_assert_cmpstr(whole.credentials->username, ==, "a");
    g_assert_cmpstr(part.credentials->username, ==, "c");
    g_assert_cmpstr(part.credentials->password, ==, "d:e");
    g_assert_cmpstr(near.credentials->username, ==, "a");
    g_assert_cmpstr(other.credentials->username, ==, "c");
    clear(&whole);
    clear(&part);
    clear(&near);
    clear(&other);
}

static void test_docker_hub_has_many_names(void) {
    Found hub = find("docker.io/library/redis");

    g_assert_cmpstr(hub.credentials->identity_token, ==, "t");
    clear(&hub);
}

static void test_helpers(void) {
    Found named = find("h.example/x"), store = find("other.example:5000/x"), empty = find("empty");

    g_assert_cmpstr(named.helper, ==, "pass");
    g_assert_cmpstr(named.key, ==, "h.example");
    g_assert_null(named.credentials);
    g_assert_cmpstr(store.helper, ==, "store");
    g_assert_cmpstr(store.key, ==, "other.example:5000");
    g_assert_cmpstr(empty.helper, ==, "store");
    clear(&named);
    clear(&store);
    clear(&empty);
}

static void test_damaged_files_are_errors(void) {
    static const char *const bad[] = {"",
                                      "[]",
                                      "{\"auths\":[]}",
                                      "{\"auths\":{\"x\":[]}}",
                                      "{\"auths\":{\"x\":{\"auth\":1}}}",
                                      "{\"auths\":{\"x\":{\"auth\":\"YQ==\"}}}"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        Found found = {0};
        g_assert_false(berth_auth_file_find(bad[i], strlen(bad[i]), "x/y", &found.credentials,
                                            &found.helper, &found.key, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
}

static void test_pairs(void) {
    const char *const good[] = {"Username", "a", "Password", "b", NULL};
    const char *const unknown[] = {"Name", "a", NULL};
    const char *const header[] = {"Username", "a\r\nX: y", NULL};
    g_autoptr(GError) of_unknown = NULL, of_header = NULL;
    g_autoptr(BerthCredentials) credentials =
        berth_credentials_read_pairs((char *const *)good, NULL);

    g_assert_cmpstr(credentials->password, ==, "b");
    g_assert_null(berth_credentials_read_pairs((char *const *)unknown, &of_unknown));
    g_assert_error(of_unknown, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    g_assert_null(berth_credentials_read_pairs((char *const *)header, &of_header));
    g_assert_error(of_header, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/credentials/the-longest-prefix-counts", test_the_longest_prefix_counts);
    g_test_add_func("/credentials/docker-hub-has-many-names", test_docker_hub_has_many_names);
    g_test_add_func("/credentials/helpers", test_helpers);
    g_test_add_func("/credentials/damaged-files-are-errors", test_damaged_files_are_errors);
    g_test_add_func("/credentials/pairs", test_pairs);
    return g_test_run();
}
