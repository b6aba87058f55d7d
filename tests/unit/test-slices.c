/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The slices that a user may put containers into. */

#include "containers/spec/slices.h"

static void test_a_user_has_a_slice_of_the_users_own(void) {
    g_autofree char *roots = berth_slice_get_default(0), *hers = berth_slice_get_default(1000);

    g_assert_cmpstr(roots, ==, "berth.slice");
    g_assert_cmpstr(hers, ==, "berth-user-1000.slice");
}

static void test_only_slices_below_the_own_one_belong_to_the_user(void) {
    static const char *const others[] = {
        "berth-user-10001.slice", "berth-user-100.slice", "berth-user.slice", "berth.slice",
        "berth-user-0.slice",     "berth-web.slice",      "berth-user-1000",  "system.slice"};

    g_assert_true(berth_slice_is_of_user("berth-user-1000.slice", 1000));
    g_assert_true(berth_slice_is_of_user("berth-user-1000-web.slice", 1000));
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_false(berth_slice_is_of_user(others[i], 1000));
}

static void test_names_are_those_of_systemd(void) {
    static const char *const good[] = {"a.slice", "berth-user-1000-a.b.slice", "-.slice",
                                       "a\\x2db.slice"};
    static const char *const bad[] = {"",
                                      ".slice",
                                      "a",
                                      "a.service",
                                      "-a.slice",
                                      "a-.slice",
                                      "a--b.slice",
                                      "a/.slice",
                                      "../a.slice",
                                      "a@b.slice",
                                      "a b.slice",
                                      "a\n.slice",
                                      "\xff.slice",
                                      "--.slice",
                                      "a-b-c-d-e-f-g-h-i-j.slice",
                                      "a.slice.slice/"};

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(berth_slice_check(good[i], NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(berth_slice_check(bad[i], NULL));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/slices/default", test_a_user_has_a_slice_of_the_users_own);
    g_test_add_func("/slices/of-user", test_only_slices_below_the_own_one_belong_to_the_user);
    g_test_add_func("/slices/names", test_names_are_those_of_systemd);
    return g_test_run();
}
