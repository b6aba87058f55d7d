/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Subnets: addresses, overlaps, and those used by the host. */

#include "base/subnet.h"

#include <sys/socket.h>

static BerthSubnet parse(const char *text) {
    BerthSubnet subnet;

    g_assert_true(berth_subnet_parse(text, &subnet, NULL));
    return subnet;
}

static void test_bits_of_hosts_are_cleared(void) {
    BerthSubnet four = parse("10.89.3.77/22"), six = parse("fd00::abcd/64");
    g_autofree char *text = berth_subnet_format(&four);
    g_autofree char *text6 = berth_subnet_format(&six);

    g_assert_cmpstr(text, ==, "10.89.0.0/22");
    g_assert_cmpstr(text6, ==, "fd00::/64");
    g_assert_cmpuint(berth_subnet_count_hosts(&four), ==, 1022);
    g_assert_cmpuint(berth_subnet_count_hosts(&six), ==, UINT32_MAX);
}

static void test_addresses_are_numbered(void) {
    BerthSubnet four = parse("10.89.0.0/16"), six = parse("fd00:1::/64");
    g_autofree char *text = berth_subnet_get_address(&four, 258);
    g_autofree char *text6 = berth_subnet_get_address(&six, 258);

    g_assert_cmpstr(text, ==, "10.89.1.2");
    g_assert_cmpstr(text6, ==, "fd00:1::102");
}

static void test_overlaps(void) {
    BerthSubnet whole = parse("10.0.0.0/8"), part = parse("10.89.0.0/24"),
                next = parse("10.89.1.0/24"), six = parse("a59::/16"), address;

    g_assert_true(berth_subnet_overlaps(&whole, &part));
    g_assert_true(berth_subnet_overlaps(&part, &whole));
    g_assert_false(berth_subnet_overlaps(&part, &next));
    g_assert_false(berth_subnet_overlaps(&part, &six));
    g_assert_true(berth_subnet_contains(&whole, &part));
    g_assert_false(berth_subnet_contains(&part, &whole));
    g_assert_true(berth_subnet_parse_address("10.89.0.255", &address));
    g_assert_true(berth_subnet_contains(&part, &address));
}

static void test_invalid_subnets(void) {
    static const char *const bad[] = {"",          "10.0.0.0",    "10.0.0.0/",   "10.0.0.0/33",
                                      "10.0.0/24", "10.0.0.0/-1", "fd00::/129",  "fd00::1::/64",
                                      "x/8",       "10.0.0.0/8/", " 10.0.0.0/8", "10.0.0.0/ 8"};
    BerthSubnet subnet;

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(berth_subnet_parse(bad[i], &subnet, NULL));
}

static void test_the_hosts_own_is_in_use(void) {
    BerthSubnet loopback = parse("127.0.0.0/24");

    BerthSubnet documentation = parse("2001:db8::/32");
    g_autoptr(GArray) in_use = berth_subnet_list_in_use();

    g_assert_true(berth_subnet_overlaps_any(&loopback, in_use));
    g_assert_false(berth_subnet_overlaps_any(&documentation, in_use));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/subnet/bits-of-hosts-are-cleared", test_bits_of_hosts_are_cleared);
    g_test_add_func("/subnet/addresses-are-numbered", test_addresses_are_numbered);
    g_test_add_func("/subnet/overlaps", test_overlaps);
    g_test_add_func("/subnet/invalid-subnets", test_invalid_subnets);
    g_test_add_func("/subnet/the-hosts-own-is-in-use", test_the_hosts_own_is_in_use);
    return g_test_run();
}
