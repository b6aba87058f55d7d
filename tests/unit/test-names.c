/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which names are accepted: container ids, opaque names, media types, and places of registries. */

#include "base/names.h"

static void test_container_ids(void) {
    static const char *const good[] = {"a", "0", "web", "Web_1.2-x", "a1b2c3d4e5f6"};
    static const char *const bad[] = {"",    ".",   "..",  "-a",       "_a",
                                      "a/b", "a b", "a\n", "\xc3\xa4", "a@b"};
    g_autofree char *longest = g_strnfill(64, 'x');
    g_autofree char *too_long = g_strnfill(65, 'x');

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(berth_name_check_container(good[i], NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(berth_name_check_container(bad[i], NULL));
    g_assert_true(berth_name_check_container(longest, NULL));
    g_assert_false(berth_name_check_container(too_long, NULL));
}

static void test_an_error_names_the_kind_and_the_name(void) {
    static const struct {
        bool (*check)(const char *name, GError **error);
        const char *start;
    } cases[] = {
        {berth_name_check_container, "invalid container id \"a/b\": "},
        {berth_name_check_pod, "invalid pod name \"a/b\": "},
        {berth_name_check_network, "invalid network name \"a/b\": "},
        {berth_name_check_volume, "invalid volume name \"a/b\": "},
        {berth_name_check_lease, "invalid lease id \"a/b\": "},
        {berth_name_check_process, "invalid process id \"a/b\": "},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_true(cases[i].check("a.b", NULL));
        g_assert_false(cases[i].check("a/b", &error));
        g_assert_cmpint(error->code, ==, BERTH_ERROR_INVALID_ARGUMENT);
        g_assert_true(g_str_has_prefix(error->message, cases[i].start));
    }
}

static void test_opaque_names_are_bounded(void) {
    g_autofree char *too_long = g_strnfill(1025, 'x');

    g_assert_true(berth_name_check_image("anything at all: \xc3\xa4@/", NULL));
    g_assert_false(berth_name_check_image("", NULL));
    g_assert_false(berth_name_check_image("a\nb", NULL));
    g_assert_false(berth_name_check_image("a\x7f", NULL));
    g_assert_false(berth_name_check_image("a\xc2\x9b"
                                          "31mb",
                                          NULL));
    g_assert_false(berth_name_check_ingest(too_long, NULL));
}

static void test_media_types(void) {
    static const char *const bad[] = {"",      "a",    "a/",      "/b",    "a/b;c=d",
                                      "a/b/c", "../x", "a/b\x01", "a b/c", "a/.b"};

    g_assert_true(berth_name_check_media_type("application/vnd.oci.image.layer.v1.tar+gzip", NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(berth_name_check_media_type(bad[i], NULL));
}

static void test_places_have_one_normal_form(void) {
    static const struct {
        const char *place, *normal;
    } cases[] = {
        {"r.example", "r.example"},
        {"R.Example/Web/App", "r.example/Web/App"},
        {"r.example:5000/a", "r.example:5000/a"},
        {"r.example:05000/a", "r.example:5000/a"},
        {"r.example:443/a:443", "r.example/a:443"},
        {"r.example:0443", "r.example"},
        {"r.example:4430", "r.example:4430"},
        {"R.EXAMPLE.:443/a", "r.example/a"},
        {"[2001:DB8::1]/a", "[2001:db8::1]/a"},
        {"[::1]:443", "[::1]"},
        {"[::1]:5000", "[::1]:5000"},
        {"", ""},
        {"/a", "/a"},
        {"[", "["},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *normal = berth_name_normalize_place(cases[i].place);
        g_assert_cmpstr(normal, ==, cases[i].normal);
    }
}

static void test_image_names_are_completed_as_by_docker(void) {
    static const struct {
        const char *text, *whole;
    } cases[] = {
        {"redis", "docker.io/library/redis:latest"},
        {"redis:7", "docker.io/library/redis:7"},
        {"redis@sha256:ab", "docker.io/library/redis@sha256:ab"},
        {"redis:7@sha256:ab", "docker.io/library/redis:7@sha256:ab"},
        {"user/app", "docker.io/user/app:latest"},
        {"docker.io/redis", "docker.io/library/redis:latest"},
        {"docker.io/redis:7", "docker.io/library/redis:7"},
        {"docker.io/user/app", "docker.io/user/app:latest"},
        {"docker.io/library/redis:7", "docker.io/library/redis:7"},
        {"index.docker.io/redis", "docker.io/library/redis:latest"},
        {"index.docker.io/user/app:1", "docker.io/user/app:1"},
        {"localhost/app", "localhost/app:latest"},
        {"localhost:5000/app", "localhost:5000/app:latest"},
        {"quay.io/app:1", "quay.io/app:1"},
        {"[::1]:5000/app", "[::1]:5000/app:latest"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *whole = berth_name_complete_image(cases[i].text);
        g_assert_cmpstr(whole, ==, cases[i].whole);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/names/container-ids", test_container_ids);
    g_test_add_func("/names/an-error-names-the-kind-and-the-name",
                    test_an_error_names_the_kind_and_the_name);
    g_test_add_func("/names/opaque-names-are-bounded", test_opaque_names_are_bounded);
    g_test_add_func("/names/media-types", test_media_types);
    g_test_add_func("/names/places-have-one-normal-form", test_places_have_one_normal_form);
    g_test_add_func("/names/image-names-are-completed-as-by-docker",
                    test_image_names_are_completed_as_by_docker);
    return g_test_run();
}
