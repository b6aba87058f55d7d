/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "containers/spec/port.h"

static void test_a_port_is_read(void) {
    BerthPort port;

    g_assert_true(berth_port_parse("[0:0::1]:8080:80/udp", &port));
    g_assert_cmpstr(port.address, ==, "::1");
    g_assert_cmpuint(port.host, ==, 8080);
    g_assert_cmpuint(port.container, ==, 80);
    g_assert_cmpstr(port.protocol, ==, "udp");
    g_assert_true(berth_port_parse("8080:80", &port));
    g_assert_cmpstr(port.address, ==, "");
    g_assert_cmpstr(port.protocol, ==, "tcp");
    g_assert_true(berth_port_parse("10.0.0.1:1:65535/sctp", &port));
}

static void test_nothing_else_is_a_port(void) {
    static const char *const bad[] = {"",
                                      "/",
                                      ":",
                                      "80",
                                      "0:80",
                                      "80:0",
                                      "65536:80",
                                      "80:80/icmp",
                                      "80:80/",
                                      ":80:80",
                                      "[]:80:80",
                                      "[::ffff:10.0.0.1]:80:80",
                                      "10.0.0:80:80",
                                      "localhost:80:80",
                                      "80-90:80",
                                      " 80:80",
                                      "80:80 ",
                                      "+80:80",
                                      "18446744073709551696:80"};
    BerthPort port;

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        if (berth_port_parse(bad[i], &port))
            g_error("\"%s\" is taken for a port", bad[i]);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ports/read", test_a_port_is_read);
    g_test_add_func("/ports/refused", test_nothing_else_is_a_port);
    return g_test_run();
}
