/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials in auth.json: which entry is used, and credential helpers. And what is left of them
 * in memory. */

#include "base/credentials.h"

#include "base/fd.h"

#include <stdio.h>
#include <string.h>

static const char file[] =
    "{\"auths\":{\"r.example\":{\"auth\":\"YTpi\"},\"r.example/web\":{\"auth\":\"YzpkOmU=\"},"
    "\"https://index.docker.io/v1/\":{\"identitytoken\":\"t\"},\"bad\":{\"auth\":\"YQ==\"},"
    "\"https://old.example/v1/\":{\"auth\":\"YTpi\"},\"old.example\":{\"auth\":\"Yzpk\"},"
    "\"plain.example\":{\"username\":\"p\",\"password\":\"q\"},"
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
    /* The plain form of a key precedes docker's old one, wherever it is in the file. */
    Found old = find("old.example/app");
    g_assert_cmpstr(old.credentials->username, ==, "c");
    clear(&old);
    /* Secrets of Kubernetes may have both in separate members, which docker reads. */
    Found plain = find("plain.example/app");
    g_assert_cmpstr(plain.credentials->username, ==, "p");
    g_assert_cmpstr(plain.credentials->password, ==, "q");
    clear(&plain);
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

static Found find_in(const char *text, const char *locator) {
    Found found = {0};

    g_assert_true(berth_auth_file_find(text, strlen(text), locator, &found.credentials,
                                       &found.helper, &found.key, NULL));
    return found;
}

/* docker has its credentials for Docker Hub under the old URL. */
static void test_the_key_that_a_helper_is_asked_for(void) {
    static const struct {
        const char *file, *locator, *key;
    } cases[] = {
        {"{\"credsStore\":\"s\"}", "docker.io/library/redis", BERTH_AUTH_KEY_HUB_URL},
        {"{\"credsStore\":\"s\"}", "index.docker.io", BERTH_AUTH_KEY_HUB_URL},
        {"{\"credsStore\":\"s\",\"auths\":{\"docker.io\":{}}}", "docker.io/library/redis",
         "docker.io"},
        {"{\"credsStore\":\"s\",\"auths\":{\"r.example/web\":{}}}", "r.example/web/x",
         "r.example/web"},
        {"{\"credHelpers\":{\"docker.io\":\"h\"}}", "docker.io/library/redis", "docker.io"},
        {"{\"credHelpers\":{\"r.example\":\"h\"},\"auths\":{\"r.example/web\":{}}}",
         "r.example/web/x", "r.example/web"},
        {"{\"credHelpers\":{\"r.example\":\"h\"},"
         "\"auths\":{\"r.example/web\":{\"auth\":\"YTpi\"}}}",
         "r.example/web/x", "r.example"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Found found = find_in(cases[i].file, cases[i].locator);
        g_assert_cmpstr(found.key, ==, cases[i].key);
        g_assert_nonnull(found.helper);
        clear(&found);
    }
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

static void test_credentials_pass_through_a_file(void) {
    static const char *const pairs[] = {"Username",      "anna", "Password", "",
                                        "RegistryToken", "a b",  NULL};
    static const char *const nothing[] = {NULL};
    g_autoptr(GError) error = NULL;
    berth_autofd int passed = berth_credentials_make_file(pairs, &error);
    berth_autofd int empty = berth_credentials_make_file(nothing, &error);

    g_assert_no_error(error);
    g_autoptr(BerthCredentials) read = berth_credentials_read_file(passed, &error);
    g_assert_cmpstr(read->username, ==, "anna");
    g_assert_cmpstr(read->password, ==, "");
    g_assert_null(read->identity_token);
    g_assert_cmpstr(read->registry_token, ==, "a b");
    g_assert_null(berth_credentials_read_file(empty, &error));
    g_assert_no_error(error);
    g_assert_false(berth_fd_write_all(passed, "x", 1));
}

/* ASan keeps freed memory, and reserves more than can be searched. */
#if defined(__SANITIZE_ADDRESS__)
enum { CAN_SEARCH_MEMORY = false };
#else
enum { CAN_SEARCH_MEMORY = true };
#endif

/* No byte of the secret is in memory but in the copies that a test makes. */
enum { SECRET_BYTES = 24 };

static char find_secret_byte(size_t index) {
    return index < SECRET_BYTES ? (char)('a' + index * 7 % 26) : '-';
}

static char *make_secret(size_t length) {
    char *secret = g_malloc(length + 1);

    for (size_t i = 0; i < length; i++)
        secret[i] = find_secret_byte(i);
    secret[length] = '\0';
    return secret;
}

/* How often the start of the secret is in the writable memory of this process. */
static unsigned count_copies(void) {
    unsigned count = 0;
    unsigned long first, last;
    char line[512], mode[8];
    FILE *maps = fopen("/proc/self/maps", "re");

    g_assert_nonnull(maps);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &first, &last, mode) != 3 || strncmp(mode, "rw", 2) != 0)
            continue;
        for (const char *at = (const char *)first; at + SECRET_BYTES <= (const char *)last; at++) {
            size_t same = 0;
            while (same < SECRET_BYTES && at[same] == find_secret_byte(same))
                same++;
            count += same == SECRET_BYTES;
        }
    }
    fclose(maps);
    return count;
}

/* Of many lengths, since a buffer that grows leaves a copy behind at some of them only. */
static void test_no_copy_is_left_in_memory(void) {
    for (size_t length = SECRET_BYTES; length < 2000; length += 37) {
        char *secret = make_secret(length);
        g_autofree char *more = g_strnfill(3 * length, '+');
        const char *const pairs[] = {"Username",      "anna", "Password", secret,
                                     "RegistryToken", more,   NULL};
        g_autoptr(GError) error = NULL;
        berth_autofd int passed = berth_credentials_make_file(pairs, &error);
        g_assert_cmpuint(count_copies(), ==, 1);
        berth_secret_free(secret);
        BerthCredentials *credentials = berth_credentials_read_file(passed, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(strlen(credentials->password), ==, length);
        g_assert_cmpuint(count_copies(), ==, 1);
        berth_credentials_free(credentials);
        g_assert_cmpuint(count_copies(), ==, 0);
    }
}

/* A password that is in an unreadable entry, too. */
static void test_no_copy_of_auth_is_left_in_memory(void) {
    for (unsigned bad = 0; bad < 2; bad++) {
        char *secret = make_secret(100);
        char *plain = g_strconcat("anna:", secret, bad ? "\n" : "", NULL);
        g_autofree char *encoded = g_base64_encode((const guchar *)plain, strlen(plain));
        g_autofree char *text =
            g_strdup_printf("{\"auths\":{\"r.example\":{\"auth\":\"%s\"}}}", encoded);
        g_autoptr(GError) error = NULL;
        Found found = {0};
        berth_secret_free(secret);
        berth_secret_free(plain);
        berth_auth_file_find(text, strlen(text), "r.example/x", &found.credentials, &found.helper,
                             &found.key, &error);
        g_assert_cmpuint(count_copies(), ==, bad ? 0 : 1);
        clear(&found);
        g_assert_cmpuint(count_copies(), ==, 0);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/credentials/the-longest-prefix-counts", test_the_longest_prefix_counts);
    g_test_add_func("/credentials/docker-hub-has-many-names", test_docker_hub_has_many_names);
    g_test_add_func("/credentials/helpers", test_helpers);
    g_test_add_func("/credentials/the-key-that-a-helper-is-asked-for",
                    test_the_key_that_a_helper_is_asked_for);
    g_test_add_func("/credentials/damaged-files-are-errors", test_damaged_files_are_errors);
    g_test_add_func("/credentials/pairs", test_pairs);
    g_test_add_func("/credentials/pass-through-a-file", test_credentials_pass_through_a_file);
    if (CAN_SEARCH_MEMORY) {
        g_test_add_func("/credentials/no-copy-is-left", test_no_copy_is_left_in_memory);
        g_test_add_func("/credentials/no-copy-of-auth-is-left",
                        test_no_copy_of_auth_is_left_in_memory);
    }
    return g_test_run();
}
