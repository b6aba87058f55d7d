/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An operation has two states: running, and ended, with its last iteration of the loop scheduled
 * (operation->last_turn). It owns the object that does the work, and is freed together with it in
 * that iteration. All operations of the process are in one list, which is short: base/charge.c
 * limits how many a user may have.
 */

#include "base/operation.h"

#include "base/hold.h"

struct BerthOperation {
    sd_event *event;
    const BerthOperationType *type;
    void *object;
    const void *caller;
    char *client;
    sd_event_source *last_turn; /* NULL while running */
    BerthHold *hold;
    GError *error;
};

static GPtrArray *operations; /* of BerthOperation */

BerthOperation *berth_operation_new(sd_event *event, const BerthOperationType *type, void *object) {
    BerthOperation *operation = g_new0(BerthOperation, 1);

    operation->event = sd_event_ref(event);
    operation->type = type;
    operation->object = object;
    operation->hold = berth_hold_new(BERTH_HOLD_OPERATION);
    if (!operations)
        operations = g_ptr_array_new();
    g_ptr_array_add(operations, operation);
    return operation;
}

static void operation_free(BerthOperation *operation) {
    g_ptr_array_remove_fast(operations, operation);
    if (operation->last_turn)
        sd_event_source_disable_unref(operation->last_turn);
    if (operation->type->free)
        operation->type->free(operation->object);
    sd_event_unref(operation->event);
    g_clear_error(&operation->error);
    berth_hold_free(operation->hold);
    g_free(operation->client);
    g_free(operation);
}

static int operation_on_last_turn(sd_event_source *source, void *userdata) {
    BerthOperation *operation = userdata;

    (void)source;
    if (operation->type->tell)
        operation->type->tell(operation->object, operation->error);
    operation_free(operation);
    return 0;
}

void berth_operation_end(BerthOperation *operation, const GError *error) {
    if (operation->last_turn)
        return;
    operation->error = error ? g_error_copy(error) : NULL;
    /* Before all other events that are ready: replies that have already arrived are for an object
     * that has ended. */
    if (sd_event_add_defer(operation->event, &operation->last_turn, operation_on_last_turn,
                           operation) < 0 ||
        sd_event_source_set_priority(operation->last_turn, SD_EVENT_PRIORITY_IMPORTANT) < 0)
        g_error("out of memory");
}

bool berth_operation_has_ended(const BerthOperation *operation) {
    return operation->last_turn != NULL;
}

void berth_operation_cancel(BerthOperation *operation, const GError *error) {
    if (operation->last_turn)
        return;
    if (operation->type->cancel)
        operation->type->cancel(operation->object, error);
    else
        berth_operation_end(operation, error);
}

void berth_operation_abandon(BerthOperation *operation) {
    if (operation)
        operation_free(operation);
}

void berth_operation_set_caller(BerthOperation *operation, const void *caller, const char *client) {
    g_free(operation->client);
    operation->caller = caller;
    operation->client = g_strdup(client);
}

/* Handling a cancellation may begin, end and free operations: the loop iterates over a copy of the
 * list, and each entry is used only if it is still in the list. */
static void operations_cancel(const void *caller, const char *client) {
    g_autoptr(GPtrArray) copy = operations ? g_ptr_array_copy(operations, NULL, NULL) : NULL;
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_CANCELLED, "the caller has left the bus");
    for (guint i = 0; copy && i < copy->len; i++) {
        BerthOperation *operation = copy->pdata[i];
        if (g_ptr_array_find(operations, operation, NULL) &&
            ((caller && operation->caller == caller) ||
             (client && g_strcmp0(operation->client, client) == 0)))
            berth_operation_cancel(operation, error);
    }
}

void berth_operations_cancel_of_caller(const void *caller) {
    operations_cancel(caller, NULL);
}

void berth_operations_cancel_of_client(const char *client) {
    operations_cancel(NULL, client);
}
