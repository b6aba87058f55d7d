/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of references from early containerd (the reference tests in remotes/docker). */

#include "fetch/reference.h"
#include "fetch/resolver.h"

static const struct {
    const char *text, *locator, *object, *host, *digest, *normal;
} table[] = {
    {"docker.io/library/redis:foo?fooo=asdf", "docker.io/library/redis", "foo", "docker.io", "",
     "docker.io/library/redis:foo"},
    {"docker.io/library/redis:foo@sha256:abcdef?fooo=asdf", "docker.io/library/redis",
     "foo@sha256:abcdef", "docker.io", "sha256:abcdef",
     "docker.io/library/redis:foo@sha256:abcdef"},
    {"docker.io/library/redis@sha256:abcdef?fooo=asdf", "docker.io/library/redis", "@sha256:abcdef",
     "docker.io", "sha256:abcdef", "docker.io/library/redis@sha256:abcdef"},
    {"docker.io/library/redis:obj@abcdef?fooo=asdf", "docker.io/library/redis", "obj@abcdef",
     "docker.io", "abcdef", "docker.io/library/redis:obj@abcdef"},
    {"localhost:5000/library/redis:obj@abcdef?fooo=asdf", "localhost:5000/library/redis",
     "obj@abcdef", "localhost:5000", "abcdef", "localhost:5000/library/redis:obj@abcdef"},
    {"sub-dom1.foo.com/bar/baz/quux:some-long-tag", "sub-dom1.foo.com/bar/baz/quux",
     "some-long-tag", "sub-dom1.foo.com", "", "sub-dom1.foo.com/bar/baz/quux:some-long-tag"},
    {"b.gcr.io/test.example.com/my-app:test.example.com", "b.gcr.io/test.example.com/my-app",
     "test.example.com", "b.gcr.io", "", "b.gcr.io/test.example.com/my-app:test.example.com"},
    {"xn--7o8h.com/myimage:xn--7o8h.com@sha512:fffffff", "xn--7o8h.com/myimage",
     "xn--7o8h.com@sha512:fffffff", "xn--7o8h.com", "sha512:fffffff",
     "xn--7o8h.com/myimage:xn--7o8h.com@sha512:fffffff"},
    {"Example.com/a--b/c__d/e.f_g-1:T_.-", "Example.com/a--b/c__d/e.f_g-1", "T_.-", "Example.com",
     "", "Example.com/a--b/c__d/e.f_g-1:T_.-"},
    {"[::1]:5000/a/b:c", "[::1]:5000/a/b", "c", "[::1]:5000", "", "[::1]:5000/a/b:c"},
};

static void test_table(void) {
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BerthReference) reference = berth_reference_parse(table[i].text, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(reference->locator, ==, table[i].locator);
        g_assert_cmpstr(reference->object, ==, table[i].object);
        g_assert_cmpstr(reference->host, ==, table[i].host);
        g_assert_cmpstr(reference->digest, ==, table[i].digest);
        g_autofree char *normal = berth_reference_format(reference);
        g_assert_cmpstr(normal, ==, table[i].normal);
        /* The normal form is itself a reference, and its own normal form. */
        g_autoptr(BerthReference) again = berth_reference_parse(normal, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(again->object, ==, table[i].object);
    }
}

static void test_errors_say_what_is_wrong(void) {
    static const struct {
        const char *text, *word;
    } bad[] = {
        {"/docker.io/library/redis:obj@abcdef", "hostname required"},
        {"redis", "hostname required"},
        {"", "hostname required"},
        {"docker.io/library/redis?fooo=asdf", "object required"},
        {"docker.io/library/redis:", "object required"},
        {"docker.io/library/redis@", "object required"},
        {"docker.io/library/redis:@sha256:ab", "object required"},
        {"http://xn--7o8h.com/myimage:xn--7o8h.com", "invalid reference"},
        {"host/../../x:y", "path"},
        {"host//x:y", "path"},
        {"host/x%3Ay:z", "percent"},
        {"user:password@host/x:y", "credentials"},
        {"host/x:ta/g", "tag"},
        {"host/x:tag@", "digest"},
        {"host/x:-tag", "tag"},
        {"host:99999/x:y", "port"},
        {"host:/x:y", "port"},
        {"ho st/x:y", "character"},
        {"host/x:y\n", "character"},
        {"host/X/y:z", "lower case"},
        {"host/x--y_/z:t", "path"},
        {"host/a.-b:t", "path"},
        {"host/a___b:t", "path"},
        {"host/_a:t", "path"},
        {"[::1/x:t", "host"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(berth_reference_parse(bad[i].text, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_REFERENCE);
        if (!strstr(error->message, bad[i].word))
            g_error("\"%s\": %s", bad[i].text, error->message);
    }
}

static void test_short_digests_are_parsed_and_not_resolved(void) {
    g_autoptr(BerthReference) reference = berth_reference_parse("host/x:y@sha256:abcdef", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(reference);
    g_assert_null(berth_resolve_get_object(reference, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_REFERENCE);
}

static void test_a_digest_goes_before_a_tag(void) {
    g_autofree char *hex = g_strnfill(64, 'a');
    g_autofree char *text = g_strconcat("host/x:y@sha256:", hex, NULL);
    g_autoptr(BerthReference) reference = berth_reference_parse(text, NULL);
    g_autoptr(BerthReference) tagged = berth_reference_parse("host/x:y", NULL);

    g_assert_cmpstr(berth_resolve_get_object(reference, NULL), ==, reference->digest);
    g_assert_cmpstr(berth_resolve_get_object(tagged, NULL), ==, "y");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reference/table", test_table);
    g_test_add_func("/reference/errors-say-what-is-wrong", test_errors_say_what_is_wrong);
    g_test_add_func("/reference/short-digests-are-parsed-and-not-resolved",
                    test_short_digests_are_parsed_and_not_resolved);
    g_test_add_func("/reference/a-digest-goes-before-a-tag", test_a_digest_goes_before_a_tag);
    return g_test_run();
}
