/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Holds, which keep the service from exiting. */

#include "base/hold.h"
#include "base/log.h"

static void test_the_service_is_idle_when_all_holds_are_released(void) {
    g_assert_cmpuint(berth_holds_count(), ==, 0);
    BerthHold *call = berth_hold_new(BERTH_HOLD_CALL);
    BerthHold *other = berth_hold_new(BERTH_HOLD_CALL);
    BerthHold *process = berth_hold_new(BERTH_HOLD_PROCESS);
    g_assert_cmpuint(berth_holds_count(), ==, 3);
    berth_hold_free(call);
    berth_hold_free(NULL);
    g_assert_cmpuint(berth_holds_count(), ==, 2);
    berth_hold_free(process);
    berth_hold_free(other);
    g_assert_cmpuint(berth_holds_count(), ==, 0);
}

static void test_the_reasons_are_named_with_their_numbers(void) {
    BerthHold *holds[] = {berth_hold_new(BERTH_HOLD_CALL), berth_hold_new(BERTH_HOLD_PROCESS),
                          berth_hold_new(BERTH_HOLD_CALL)};
    g_autofree char *held = berth_holds_describe();

    g_assert_cmpstr(held, ==, "running processes: 1, unanswered calls: 2");
    for (size_t i = 0; i < G_N_ELEMENTS(holds); i++)
        berth_hold_free(holds[i]);
    g_autofree char *idle = berth_holds_describe();
    g_assert_cmpstr(idle, ==, "");
}

static void test_settings_of_the_log_hold_until_they_are_the_defaults(void) {
    g_assert_true(berth_log_set_level("debug"));
    g_assert_true(berth_log_set_level("warning"));
    g_assert_cmpuint(berth_holds_count(), ==, 1);
    g_assert_true(berth_log_set_target("console"));
    g_assert_true(berth_log_set_level("info"));
    g_assert_cmpuint(berth_holds_count(), ==, 1);
    g_assert_true(berth_log_set_target("auto"));
    g_assert_cmpuint(berth_holds_count(), ==, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hold/the-service-is-idle-when-all-holds-are-released",
                    test_the_service_is_idle_when_all_holds_are_released);
    g_test_add_func("/hold/the-reasons-are-named-with-their-numbers",
                    test_the_reasons_are_named_with_their_numbers);
    g_test_add_func("/hold/settings-of-the-log-hold-until-they-are-the-defaults",
                    test_settings_of_the_log_hold_until_they_are_the_defaults);
    return g_test_run();
}
