/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hardware addresses and resolver options of containers. */

#include "containers/spec/network-options.h"

static void check(BerthCreateOptions *options, bool good) {
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(berth_network_options_check(options, &error), ==, good);
    if (!good)
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
}

static void test_hardware_addresses(void) {
    static const char *const good[] = {"02:00:00:00:00:0a", "FE:DC:BA:98:76:54", NULL};
    static const char *const bad[] = {"",
                                      "01:00:00:00:00:01",
                                      "02:00:00:00:00:0",
                                      "02:00:00:00:00:0g",
                                      "\n2:00:00:00:00:01",
                                      "+2:00:00:00:00:01",
                                      "02: 0:00:00:00:01",
                                      "02-00-00-00-00-01",
                                      "0x:00:00:00:00:01",
                                      "02:00:00:00:00:01\n",
                                      NULL};

    for (char *const *mac = (char *const *)good; *mac; mac++)
        check(&(BerthCreateOptions){.mac = *mac}, true);
    for (char *const *mac = (char *const *)bad; *mac; mac++)
        check(&(BerthCreateOptions){.mac = *mac}, false);
}

static void test_resolver_options(void) {
    static const char *const good[] = {"ndots:2", "use-vc", NULL};
    static const char *const bad[] = {"", " ", "a b", "a\nnameserver", NULL};
    char *list[] = {NULL, NULL};

    check(&(BerthCreateOptions){.resolver_options = (char **)good}, true);
    for (const char *const *option = bad; *option; option++) {
        list[0] = (char *)*option;
        check(&(BerthCreateOptions){.resolver_options = list}, false);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network-options/hardware-addresses", test_hardware_addresses);
    g_test_add_func("/network-options/resolver-options", test_resolver_options);
    return g_test_run();
}
