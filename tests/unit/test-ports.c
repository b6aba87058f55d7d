/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published ports: parsing, formatting, and the privilege that some need. */

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
    g_assert_true(berth_port_parse("0:80", &port));
    g_assert_cmpuint(port.host, ==, 0);
}

static void test_a_port_is_written_as_it_is_read(void) {
    static const char *const ports[] = {"[::1]:8080:80/udp", "8080:80/tcp",
                                        "10.0.0.1:1:65535/sctp"};

    for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
        BerthPort port;
        g_assert_true(berth_port_parse(ports[i], &port));
        g_autofree char *text = berth_port_format(&port);
        g_assert_cmpstr(text, ==, ports[i]);
    }
}

/* The service never chooses a port that requires a privilege. */
static void test_a_chosen_port_needs_no_privilege(void) {
    g_assert_null(berth_port_get_privilege("0:80"));
    g_autofree char *privilege = berth_port_get_privilege("1:80");
    g_assert_cmpstr(privilege, ==, "1");
}

static void test_invalid_ports_are_refused(void) {
    static const char *const bad[] = {"",
                                      "/",
                                      ":",
                                      "80",
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
    g_test_add_func("/ports/written", test_a_port_is_written_as_it_is_read);
    g_test_add_func("/ports/chosen", test_a_chosen_port_needs_no_privilege);
    g_test_add_func("/ports/refused", test_invalid_ports_are_refused);
    return g_test_run();
}
