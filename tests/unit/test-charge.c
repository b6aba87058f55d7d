/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits on what users may use at the same time, and the project ids for their disk usage. */

#include "base/charge.h"
#include "base/project-quota.h"

#include <string.h>
#include <unistd.h>

static void test_charges_of_a_user_are_limited_and_named(void) {
    g_autoptr(GError) error = NULL;

    berth_charge_set_limit(BERTH_RESOURCE_COPIES, 2);
    BerthCharge *first = berth_charge_new(1000, BERTH_RESOURCE_COPIES, 1, NULL);
    g_autoptr(BerthCharge) second = berth_charge_new(1000, BERTH_RESOURCE_COPIES, 1, NULL);
    g_assert_nonnull(first);
    g_assert_nonnull(second);
    g_assert_null(berth_charge_new(1000, BERTH_RESOURCE_COPIES, 1, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
    g_assert_nonnull(strstr(error->message, "user 1000"));
    g_assert_nonnull(strstr(error->message, "copies"));
    g_assert_nonnull(strstr(error->message, "limit is 2"));
    /* Other users, and other resources, have their own limits. */
    g_autoptr(BerthCharge) other = berth_charge_new(1001, BERTH_RESOURCE_COPIES, 2, NULL);
    g_assert_nonnull(other);
    g_assert_true(berth_charge_check(1000, BERTH_RESOURCE_READS, 0, 1, NULL));
    berth_charge_free(first);
    g_assert_cmpuint(berth_charge_get(1000, BERTH_RESOURCE_COPIES), ==, 1);
    g_assert_true(berth_charge_check(1000, BERTH_RESOURCE_COPIES, 0, 1, NULL));
    berth_charge_reset_limits();
}

static void test_root_is_bounded_by_totals(void) {
    g_autoptr(GError) error = NULL;

    g_autoptr(BerthCharge) most = berth_charge_new(0, BERTH_RESOURCE_QUESTIONS, 64, NULL);
    g_assert_nonnull(most);
    g_assert_null(berth_charge_new(0, BERTH_RESOURCE_QUESTIONS, 1, &error));
    g_assert_nonnull(strstr(error->message, "all users"));
    g_assert_false(berth_charge_check(1000, BERTH_RESOURCE_QUESTIONS, 0, 1, NULL));
}

static void test_sums_do_not_wrap(void) {
    berth_charge_set_limit(BERTH_RESOURCE_LABELS, 100);
    g_assert_false(berth_charge_check(1000, BERTH_RESOURCE_LABELS, 50, UINT64_MAX, NULL));
    g_assert_false(berth_charge_check(1000, BERTH_RESOURCE_LABELS, 101, 0, NULL));
    g_assert_true(berth_charge_check(1000, BERTH_RESOURCE_LABELS, 50, 50, NULL));
    g_assert_true(berth_charge_check(0, BERTH_RESOURCE_LABELS, 500, 50, NULL));
    g_autoptr(BerthCharge) charge = berth_charge_new(1000, BERTH_RESOURCE_LABELS, 2, NULL);
    g_assert_nonnull(charge);
    g_assert_false(berth_charge_check(1000, BERTH_RESOURCE_LABELS, UINT64_MAX, 1, NULL));
    berth_charge_reset_limits();
}

/* Root has no project, and no two users share one. */
static void test_users_do_not_share_projects(void) {
    g_assert_cmpuint(berth_project_get_id(0), ==, 0);
    g_assert_cmpuint(berth_project_get_id(1000), ==, 0xbe0003e8);
    g_assert_cmpuint(berth_project_get_id(0xffffff), ==, 0xbeffffff);
    g_assert_cmpuint(berth_project_get_id(0x1000000), ==, 0);
    g_assert_cmpuint(berth_project_get_id(UINT32_MAX), ==, 0);
    /* A file system without projects, or no file system at all. */
    g_assert_false(berth_project_assign(-1, 1000, 4096));
    g_assert_false(berth_project_assign(STDIN_FILENO, 0, 4096));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/charge/a-user-is-bounded", test_charges_of_a_user_are_limited_and_named);
    g_test_add_func("/charge/root-is-bounded-by-totals", test_root_is_bounded_by_totals);
    g_test_add_func("/charge/sums-do-not-wrap", test_sums_do_not_wrap);
    g_test_add_func("/charge/users-do-not-share-projects", test_users_do_not_share_projects);
    return g_test_run();
}
