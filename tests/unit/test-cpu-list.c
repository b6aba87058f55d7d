/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of processors, "0-3,8", as bit masks. */

#include "base/cpu-list.h"

static void test_lists(void) {
    uint8_t bits[BERTH_CPU_LIST_BYTES];
    size_t size;

    g_assert_true(berth_cpu_list_parse("0-3,9", bits, &size));
    g_assert_cmpuint(size, ==, 2);
    g_assert_cmpuint(bits[0], ==, 0x0f);
    g_assert_cmpuint(bits[1], ==, 0x02);
    g_assert_true(berth_cpu_list_parse("8191", bits, &size));
    g_assert_cmpuint(size, ==, BERTH_CPU_LIST_BYTES);
}

static void test_invalid_lists(void) {
    static const char *const bad[] = {"",  "x", "1-", "-1", "3-1", "1,,2", "8192", "0-99999999999",
                                      " 1"};
    uint8_t bits[BERTH_CPU_LIST_BYTES];
    size_t size;

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(berth_cpu_list_parse(bad[i], bits, &size));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cpu-list/lists", test_lists);
    g_test_add_func("/cpu-list/invalid-lists", test_invalid_lists);
    return g_test_run();
}
