/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Platforms: parsing, formatting, and which variants this machine can run. */

#include "base/platform.h"

#include <limits.h>

static unsigned match(const char *wanted, const char *offered) {
    g_autoptr(BerthPlatform) a = berth_platform_parse(wanted, NULL);
    g_autoptr(BerthPlatform) b = berth_platform_parse(offered, NULL);

    return berth_platform_match(a, b);
}

static void test_parse_and_format(void) {
    g_autoptr(BerthPlatform) platform = berth_platform_parse("linux/arm64/v8", NULL);
    g_autofree char *text = berth_platform_format(platform);

    g_assert_cmpstr(text, ==, "linux/arm64/v8");
    g_assert_null(berth_platform_parse("linux", NULL));
    g_assert_null(berth_platform_parse("linux//x", NULL));
    g_assert_null(berth_platform_parse("a/b/c/d", NULL));
    g_assert_null(berth_platform_parse("linux/../x", NULL));
}

static void test_this_machine_is_linux(void) {
    g_autoptr(BerthPlatform) platform = berth_platform_parse(NULL, NULL);

    g_assert_cmpstr(platform->os, ==, "linux");
    g_assert_cmpstr(platform->architecture, !=, "");
}

static void test_variants_run_older_ones_only(void) {
    g_assert_cmpuint(match("linux/amd64", "linux/amd64"), >, 0);
    g_assert_cmpuint(match("linux/amd64", "linux/arm64"), ==, 0);
    g_assert_cmpuint(match("linux/arm/v7", "linux/arm/v6"), >, 0);
    g_assert_cmpuint(match("linux/arm/v6", "linux/arm/v7"), ==, 0);
    g_assert_cmpuint(match("linux/arm/v7", "linux/arm/v7"), >,
                     match("linux/arm/v7", "linux/arm/v6"));
    g_assert_cmpuint(match("linux/arm64", "linux/arm64/v8"), >, 0);
    g_assert_cmpuint(match("linux/arm64/v8", "linux/arm64"), >, 0);
    g_assert_cmpuint(match("linux/amd64", "linux/amd64/v3"), ==, 0);
}

static void test_other_names_of_architectures(void) {
    g_autoptr(BerthPlatform) wanted = berth_platform_parse("linux/aarch64", NULL);
    g_autoptr(BerthPlatform) offered = berth_platform_new("linux", "x86_64", NULL);
    g_autoptr(BerthPlatform) bare = berth_platform_new("linux", "arm", "6");
    g_autoptr(BerthPlatform) amd64 = berth_platform_new("linux", "amd64", NULL);
    g_autoptr(BerthPlatform) v5 = berth_platform_new("linux", "arm", "v5");
    g_autofree char *text = berth_platform_format(wanted);

    g_assert_cmpstr(text, ==, "linux/arm64");
    g_assert_cmpuint(match("linux/x86_64", "linux/amd64"), >, 0);
    g_assert_cmpuint(match("linux/aarch64", "linux/arm64/v8"), >, 0);
    g_assert_cmpuint(berth_platform_match(amd64, offered), >, 0);
    g_assert_cmpuint(berth_platform_match(v5, bare), ==, 0);
    /* A name of its own in the specification, unlike the kernel's. */
    g_assert_cmpuint(match("linux/mips64", "linux/mips64le"), ==, 0);
}

/* Each list is in the order of preference for the first platform; the ones after NULL do not match
 * it at all. */
static void test_preference(void) {
    static const char *const cases[][12] = {
        {"linux/amd64", "linux/amd64", "linux/386", NULL, "linux/amd64/v2", "linux/arm",
         "linux/arm64"},
        {"linux/amd64/v3", "linux/amd64/v3", "linux/amd64/v2", "linux/amd64/v1", "linux/386", NULL,
         "linux/amd64/v4"},
        {"linux/386", "linux/386", NULL, "linux/amd64"},
        {"linux/arm64", "linux/arm64/v8", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6",
         "linux/arm/v5", NULL, "linux/arm64/v8.1", "linux/arm64/v9", "linux/arm/v4", "linux/386"},
        {"linux/arm64/v8.2", "linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64", "linux/arm",
         NULL, "linux/arm64/v8.3", "linux/arm64/v9"},
        {"linux/arm64/v9", "linux/arm64/v9", "linux/arm64/v8.5", "linux/arm64/v8", "linux/arm/v8",
         "linux/arm/v5", NULL, "linux/arm64/v9.1", "linux/arm64/v8.6"},
        {"linux/arm64/v9.2", "linux/arm64/v9.2", "linux/arm64/v9.1", "linux/arm64/v9",
         "linux/arm64/v8.7", NULL, "linux/arm64/v8.8"},
        {"linux/arm/v8", "linux/arm/v8", "linux/arm", "linux/arm/v6", "linux/arm/v5", NULL,
         "linux/arm64"},
        {"linux/arm/v6", "linux/arm/v6", "linux/arm/v5", NULL, "linux/arm", "linux/arm/v8"},
        {"linux/riscv64", "linux/riscv64", NULL, "linux/amd64"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned before = UINT_MAX;
        size_t k = 1;
        for (; cases[i][k]; k++) {
            unsigned score = match(cases[i][0], cases[i][k]);
            g_test_message("%s on %s: %u", cases[i][k], cases[i][0], score);
            g_assert_cmpuint(score, >, 0);
            g_assert_cmpuint(score, <, before);
            before = score;
        }
        for (k++; k < G_N_ELEMENTS(cases[i]) && cases[i][k]; k++) {
            g_test_message("%s on %s", cases[i][k], cases[i][0]);
            g_assert_cmpuint(match(cases[i][0], cases[i][k]), ==, 0);
        }
    }
    g_assert_cmpuint(match("linux/amd64", "windows/386"), ==, 0);
    g_assert_cmpuint(match("linux/amd64", "linux/386"), ==, match("linux/x86_64", "linux/i386"));
    g_assert_cmpuint(match("linux/arm64/v99999999999", "linux/arm64"), >, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/platform/parse-and-format", test_parse_and_format);
    g_test_add_func("/platform/this-machine-is-linux", test_this_machine_is_linux);
    g_test_add_func("/platform/variants-run-older-ones-only", test_variants_run_older_ones_only);
    g_test_add_func("/platform/preference", test_preference);
    g_test_add_func("/platform/other-names-of-architectures", test_other_names_of_architectures);
    return g_test_run();
}
