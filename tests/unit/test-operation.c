/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Operations: they end once, report in a later iteration of the loop, and can be cancelled. */

#include "base/hold.h"
#include "base/operation.h"

typedef struct {
    BerthOperation *operation;
    int reported, freed, cancelled, replies;
    GError *error;
    sd_event_source *reply;
} Work;

static void work_tell(void *object, const GError *error) {
    Work *work = object;

    work->reported++;
    work->error = error ? g_error_copy(error) : NULL;
}

static void work_free(void *object) {
    Work *work = object;

    work->freed++;
    sd_event_source_disable_unref(work->reply);
}

static void work_cancel(void *object, const GError *error) {
    Work *work = object;

    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_CANCELLED);
    work->cancelled++;
}

static const BerthOperationType work_type = {.tell = work_tell, .free = work_free};

static void work_begin(Work *work, sd_event *event) {
    *work = (Work){0};
    work->operation = berth_operation_new(event, &work_type, work);
}

static void test_first_end_counts_and_is_reported_in_a_later_turn(void) {
    g_autoptr(GError) error = g_error_new_literal(BERTH_ERROR, BERTH_ERROR_NO_SPACE, "full");
    sd_event *event = NULL;
    Work work;

    g_assert_cmpint(sd_event_new(&event), >=, 0);
    work_begin(&work, event);
    g_assert_cmpuint(berth_holds_count(), ==, 1);
    g_assert_false(berth_operation_has_ended(work.operation));
    berth_operation_end(work.operation, error);
    berth_operation_end(work.operation, NULL);
    g_assert_true(berth_operation_has_ended(work.operation));
    g_assert_cmpint(work.reported, ==, 0);
    /* It holds the service until it has reported. */
    g_assert_cmpuint(berth_holds_count(), ==, 1);
    sd_event_run(event, 0);
    g_assert_cmpint(work.reported, ==, 1);
    g_assert_cmpint(work.freed, ==, 1);
    g_assert_error(work.error, BERTH_ERROR, BERTH_ERROR_NO_SPACE);
    g_assert_cmpuint(berth_holds_count(), ==, 0);
    g_clear_error(&work.error);
    sd_event_unref(event);
}

static int on_reply(sd_event_source *source, void *userdata) {
    Work *work = userdata;

    (void)source;
    work->replies++;
    return 0;
}

static void test_an_ended_operation_ignores_pending_events(void) {
    sd_event *event = NULL;
    Work work;

    g_assert_cmpint(sd_event_new(&event), >=, 0);
    work_begin(&work, event);
    g_assert_cmpint(sd_event_add_defer(event, &work.reply, on_reply, &work), >=, 0);
    berth_operation_end(work.operation, NULL);
    sd_event_run(event, 0);
    sd_event_run(event, 0);
    g_assert_cmpint(work.reported, ==, 1);
    g_assert_cmpint(work.replies, ==, 0);
    sd_event_unref(event);
}

static void test_abandoned_operation_reports_nothing(void) {
    sd_event *event = NULL;
    Work running, ended;

    g_assert_cmpint(sd_event_new(&event), >=, 0);
    work_begin(&running, event);
    work_begin(&ended, event);
    berth_operation_end(ended.operation, NULL);
    berth_operation_abandon(running.operation);
    berth_operation_abandon(ended.operation);
    berth_operation_abandon(NULL);
    sd_event_run(event, 0);
    g_assert_cmpint(running.reported + ended.reported, ==, 0);
    g_assert_cmpint(running.freed + ended.freed, ==, 2);
    g_assert_cmpuint(berth_holds_count(), ==, 0);
    sd_event_unref(event);
}

static void test_callers_and_clients_cancel_their_operations(void) {
    static const BerthOperationType own = {
        .tell = work_tell, .free = work_free, .cancel = work_cancel};
    sd_event *event = NULL;
    Work first, second, third;
    int caller = 0;

    g_assert_cmpint(sd_event_new(&event), >=, 0);
    work_begin(&first, event);
    work_begin(&second, event);
    third = (Work){0};
    third.operation = berth_operation_new(event, &own, &third);
    berth_operation_set_caller(first.operation, &caller, NULL);
    berth_operation_set_caller(second.operation, NULL, ":1.2");
    berth_operation_set_caller(third.operation, NULL, ":1.3");
    berth_operations_cancel_of_caller(&caller);
    berth_operations_cancel_of_caller(&caller);
    berth_operations_cancel_of_client(":1.3");
    berth_operations_cancel_of_client(":1.4");
    sd_event_run(event, 0);
    g_assert_error(first.error, BERTH_ERROR, BERTH_ERROR_CANCELLED);
    g_assert_cmpint(first.reported, ==, 1);
    g_assert_cmpint(second.reported, ==, 0);
    /* An operation that handles cancellation continues until it ends by itself. */
    g_assert_cmpint(third.cancelled, ==, 1);
    g_assert_cmpint(third.reported, ==, 0);
    berth_operation_abandon(second.operation);
    berth_operation_abandon(third.operation);
    g_clear_error(&first.error);
    sd_event_unref(event);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/operation/first-end-counts",
                    test_first_end_counts_and_is_reported_in_a_later_turn);
    g_test_add_func("/operation/nothing-comes-after",
                    test_an_ended_operation_ignores_pending_events);
    g_test_add_func("/operation/abandoned", test_abandoned_operation_reports_nothing);
    g_test_add_func("/operation/cancelled-by-caller-and-client",
                    test_callers_and_clients_cancel_their_operations);
    return g_test_run();
}
