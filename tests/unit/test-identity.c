/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Uses this system's own passwd and group files, in which only root is certain to exist. */

#include "launch/identity.h"

#include <glib.h>
#include <string.h>

static void test_numbers_need_no_files(void) {
    BerthIdentity identity;

    g_assert_true(berth_identity_find("12345:23456", &identity, NULL));
    g_assert_cmpuint(identity.uid, ==, 12345);
    g_assert_cmpuint(identity.gid, ==, 23456);
    /* None besides the process's own. */
    g_assert_cmpuint(identity.group_count, ==, 1);
    g_assert_cmpuint(identity.groups[0], ==, identity.gid);
}

static void test_empty_user_is_root(void) {
    BerthIdentity identity;

    g_assert_true(berth_identity_find("", &identity, NULL));
    g_assert_cmpuint(identity.uid, ==, 0);
    g_assert_cmpstr(identity.home, ==, "/root");
}

static void test_unknown_names_are_errors(void) {
    static const char *const bad[] = {"no-such-user", "root:no-such-group", "-1", "4294967295",
                                      "99999999999999999999"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        BerthFault fault = {""};
        BerthIdentity identity;
        g_assert_false(berth_identity_find(bad[i], &identity, &fault));
        g_assert_nonnull(strstr(fault.text, "of the image"));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity/numbers-need-no-files", test_numbers_need_no_files);
    g_test_add_func("/identity/empty-user-is-root", test_empty_user_is_root);
    g_test_add_func("/identity/unknown-names-are-errors", test_unknown_names_are_errors);
    return g_test_run();
}
