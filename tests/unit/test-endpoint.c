/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a reference is looked up, according to the rules of berth.conf. */

#include "fetch/endpoint.h"

static GPtrArray *make_rules(void) {
    GPtrArray *rules = g_ptr_array_new_with_free_func((GDestroyNotify)berth_registry_rule_free);
    BerthRegistryRule *mirrored = g_new0(BerthRegistryRule, 1);
    BerthRegistryRule *moved = g_new0(BerthRegistryRule, 1);
    BerthRegistryRule *blocked = g_new0(BerthRegistryRule, 1);

    *mirrored = (BerthRegistryRule){.host = g_strdup("docker.io"),
                                    .mirrors = g_strsplit("m1:5000 m2/hub/", " ", -1),
                                    .location = g_strdup("")};
    *moved = (BerthRegistryRule){
        .host = g_strdup("old"), .location = g_strdup("new/team"), .insecure = TRUE};
    *blocked =
        (BerthRegistryRule){.host = g_strdup("bad"), .location = g_strdup(""), .blocked = TRUE};
    g_ptr_array_add(rules, mirrored);
    g_ptr_array_add(rules, moved);
    g_ptr_array_add(rules, blocked);
    return rules;
}

static GPtrArray *find(const char *text, GError **error) {
    g_autoptr(GPtrArray) rules = make_rules();
    g_autoptr(BerthReference) reference = berth_reference_parse(text, NULL);

    return berth_endpoints_find(reference, false, rules, error);
}

static const BerthEndpoint *at(GPtrArray *endpoints, guint i) {
    return endpoints->pdata[i];
}

static void test_mirrors_come_first(void) {
    g_autoptr(GPtrArray) endpoints = find("docker.io/library/redis:7", NULL);

    g_assert_cmpuint(endpoints->len, ==, 3);
    g_assert_cmpstr(at(endpoints, 0)->locator, ==, "m1:5000/library/redis");
    g_assert_cmpstr(at(endpoints, 1)->locator, ==, "m2/hub/library/redis");
    g_assert_cmpstr(at(endpoints, 2)->locator, ==, "docker.io/library/redis");
}

static void test_a_location_replaces_the_registry(void) {
    g_autoptr(GPtrArray) endpoints = find("old/app:x", NULL);

    g_assert_cmpuint(endpoints->len, ==, 1);
    g_assert_cmpstr(at(endpoints, 0)->host, ==, "new");
    g_assert_cmpstr(at(endpoints, 0)->path, ==, "team/app");
    g_assert_true(at(endpoints, 0)->insecure);
}

static void test_a_blocked_registry_is_refused(void) {
    g_autoptr(GError) error = NULL;

    g_assert_null(find("bad/app:x", &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION);
    g_assert_null(find("BAD/app:x", NULL));
    g_assert_null(find("bad:443/app:x", NULL));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/endpoint/mirrors-come-first", test_mirrors_come_first);
    g_test_add_func("/endpoint/a-location-replaces-the-registry",
                    test_a_location_replaces_the_registry);
    g_test_add_func("/endpoint/a-blocked-registry-is-refused", test_a_blocked_registry_is_refused);
    return g_test_run();
}
