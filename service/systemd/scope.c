/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "systemd/scope.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER SYSTEMD ".Manager"
#define CALL_TIMEOUT_USEC (60ull * G_USEC_PER_SEC)
/* systemd waits a little longer than Berth itself before it kills. */
#define STOP_MARGIN_USEC (5ull * G_USEC_PER_SEC)

typedef struct {
    BerthScopes *scopes;
    sd_bus_slot *slot;
    sd_bus_message *call; /* of a start, to be sent again when the name is free */
    char *unit;
    bool waits; /* for an earlier scope of this name to go */
    char *job;  /* NULL until systemd has named it */
    BerthScopeDone done;
    void *userdata;
} Operation;

struct BerthScopes {
    sd_bus *bus;
    sd_bus_slot *job_removed, *request_stop, *unit_removed;
    GPtrArray *operations; /* of Operation */
    BerthStopRequested requested;
    void *userdata;
};

static void free_operation(gpointer data) {
    Operation *operation = data;

    sd_bus_slot_unref(operation->slot);
    sd_bus_message_unref(operation->call);
    g_free(operation->unit);
    g_free(operation->job);
    g_free(operation);
}

static void finish(Operation *operation, const GError *error) {
    BerthScopeDone done = operation->done;
    void *userdata = operation->userdata;

    g_ptr_array_remove_fast(operation->scopes->operations, operation);
    if (done)
        done(error, userdata);
}

static void finish_job(Operation *operation, const char *result) {
    g_autoptr(GError) error = NULL;

    if (!g_str_equal(result, "done"))
        berth_error_set(&error, BERTH_ERROR_LAUNCH_FAILED, "systemd did not start the scope: %s",
                        result);
    finish(operation, error);
}

static int on_job_removed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthScopes *scopes = userdata;
    const char *path, *unit, *result;
    uint32_t id;

    (void)error;
    if (sd_bus_message_read(signal, "uoss", &id, &path, &unit, &result) < 0)
        return 0;
    for (guint i = 0; i < scopes->operations->len; i++) {
        Operation *operation = scopes->operations->pdata[i];
        if (operation->job && g_str_equal(operation->job, path)) {
            finish_job(operation, result);
            return 0;
        }
    }
    return 0;
}

static int on_request_stop(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthScopes *scopes = userdata;
    g_autofree char *unit = NULL;

    (void)error;
    if (sd_bus_path_decode(sd_bus_message_get_path(signal), MANAGER_PATH "/unit", &unit) > 0)
        scopes->requested(unit, scopes->userdata);
    return 0;
}

BerthScopes *berth_scopes_new(sd_bus *bus, BerthStopRequested requested, void *userdata,
                              GError **error) {
    BerthScopes *scopes = g_new0(BerthScopes, 1);
    int r;

    scopes->bus = bus;
    scopes->operations = g_ptr_array_new_with_free_func(free_operation);
    scopes->requested = requested;
    scopes->userdata = userdata;
    if ((r = sd_bus_match_signal_async(bus, &scopes->job_removed, SYSTEMD, MANAGER_PATH, MANAGER,
                                       "JobRemoved", on_job_removed, NULL, scopes)) < 0 ||
        (r = sd_bus_match_signal_async(bus, &scopes->request_stop, SYSTEMD, NULL, SYSTEMD ".Scope",
                                       "RequestStop", on_request_stop, NULL, scopes)) < 0) {
        berth_error_set_errno(error, r, "listen to systemd");
        berth_scopes_free(scopes);
        return NULL;
    }
    return scopes;
}

void berth_scopes_free(BerthScopes *scopes) {
    if (!scopes)
        return;
    g_ptr_array_unref(scopes->operations);
    sd_bus_slot_unref(scopes->job_removed);
    sd_bus_slot_unref(scopes->request_stop);
    sd_bus_slot_unref(scopes->unit_removed);
    g_free(scopes);
}

void berth_scopes_forget(BerthScopes *scopes, void *userdata) {
    for (guint i = scopes->operations->len; i-- > 0;)
        if (((Operation *)scopes->operations->pdata[i])->userdata == userdata)
            g_ptr_array_remove_index_fast(scopes->operations, i);
}

static Operation *new_operation(BerthScopes *scopes, BerthScopeDone done, void *userdata) {
    Operation *operation = g_new0(Operation, 1);

    operation->scopes = scopes;
    operation->done = done;
    operation->userdata = userdata;
    g_ptr_array_add(scopes->operations, operation);
    return operation;
}

static void fail(Operation *operation, int errnum, const sd_bus_error *bus_error,
                 const char *what) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_LAUNCH_FAILED, "%s: %s", what,
                    bus_error && bus_error->message ? bus_error->message : g_strerror(ABS(errnum)));
    finish(operation, error);
}

static void send_start(Operation *operation);

/* No answer is waited for: that it is gone is seen by UnitRemoved, or does not matter. */
void berth_scopes_stop(BerthScopes *scopes, const char *unit) {
    g_autofree char *path = NULL;

    /* Its controller may be known still, and would be asked to stop it, and waited for. */
    if (sd_bus_path_encode(MANAGER_PATH "/unit", unit, &path) >= 0)
        sd_bus_call_method_async(scopes->bus, NULL, SYSTEMD, path, SYSTEMD ".Scope", "Abandon",
                                 NULL, NULL, "");
    sd_bus_call_method_async(scopes->bus, NULL, SYSTEMD, MANAGER_PATH, MANAGER, "StopUnit", NULL,
                             NULL, "ss", unit, "replace");
}

/* A scope goes some milliseconds after its last process. */
static int on_unit_removed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthScopes *scopes = userdata;
    const char *unit;

    (void)error;
    if (sd_bus_message_read(signal, "s", &unit) < 0)
        return 0;
    for (guint i = 0; i < scopes->operations->len; i++) {
        Operation *operation = scopes->operations->pdata[i];
        if (operation->waits && g_str_equal(operation->unit, unit)) {
            operation->waits = false;
            send_start(operation);
            return 0;
        }
    }
    return 0;
}

/* They may have gone before this was listened to: so all are tried at once, and again when theirs
 * goes. */
static int on_subscribed(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Operation *first = userdata;
    GPtrArray *operations = first->scopes->operations;

    (void)reply;
    (void)error;
    for (guint i = operations->len; i-- > 0;) {
        Operation *operation = operations->pdata[i];
        if (operation->waits) {
            operation->waits = false;
            send_start(operation);
        }
    }
    return 0;
}

/* The name is still that of an earlier scope. systemd tells of units only to who subscribes. */
static void wait_for_name(Operation *operation) {
    BerthScopes *scopes = operation->scopes;
    int r;

    operation->waits = true;
    /* One whose process was gone before it was moved there is empty, and would stay for ever. */
    berth_scopes_stop(scopes, operation->unit);
    if (scopes->unit_removed)
        return;
    if ((r = sd_bus_match_signal_async(scopes->bus, &scopes->unit_removed, SYSTEMD, MANAGER_PATH,
                                       MANAGER, "UnitRemoved", on_unit_removed, NULL, scopes)) <
            0 ||
        (r = sd_bus_call_method_async(scopes->bus, &operation->slot, SYSTEMD, MANAGER_PATH, MANAGER,
                                      "Subscribe", on_subscribed, operation, NULL)) < 0)
        fail(operation, r, NULL, "listen to systemd");
}

/* systemd's answer comes before its JobRemoved: both go the same way. */
static int on_started(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Operation *operation = userdata;
    const char *job;

    (void)error;
    operation->slot = sd_bus_slot_unref(operation->slot);
    if (sd_bus_message_is_method_error(reply, SYSTEMD ".UnitExists")) {
        wait_for_name(operation);
        return 0;
    }
    if (sd_bus_message_is_method_error(reply, NULL)) {
        fail(operation, EIO, sd_bus_message_get_error(reply), "systemd did not make the scope");
        return 0;
    }
    int r = sd_bus_message_read(reply, "o", &job);
    if (r < 0)
        fail(operation, r, NULL, "read systemd's answer");
    else
        operation->job = g_strdup(job);
    return 0;
}

static int append_value(sd_bus_message *call, GVariant *value) {
    GVariantIter iterator;
    const char *path, *word;
    gsize size;
    guint64 number;
    int r;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64))
        return sd_bus_message_append(call, "v", "t", g_variant_get_uint64(value));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return sd_bus_message_append(call, "v", "s", g_variant_get_string(value, NULL));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING)) {
        gconstpointer bytes = g_variant_get_fixed_array(value, &size, 1);
        if ((r = sd_bus_message_open_container(call, 'v', "ay")) < 0 ||
            (r = sd_bus_message_append_array(call, 'y', bytes, size)) < 0)
            return r;
        return sd_bus_message_close_container(call);
    }
    bool pairs = g_variant_is_of_type(value, G_VARIANT_TYPE("a(ss)"));
    if (!pairs && !g_variant_is_of_type(value, G_VARIANT_TYPE("a(st)")))
        return -EINVAL;
    if ((r = sd_bus_message_open_container(call, 'v', pairs ? "a(ss)" : "a(st)")) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', pairs ? "(ss)" : "(st)")) < 0)
        return r;
    g_variant_iter_init(&iterator, value);
    while (r >= 0 && (pairs ? g_variant_iter_next(&iterator, "(&s&s)", &path, &word)
                            : g_variant_iter_next(&iterator, "(&st)", &path, &number)))
        r = pairs ? sd_bus_message_append(call, "(ss)", path, word)
                  : sd_bus_message_append(call, "(st)", path, number);
    if (r < 0 || (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* a{sv} as the (sv) of systemd's array. */
static int append_given(sd_bus_message *call, GVariant *properties) {
    GVariantIter iterator;
    const char *name;
    GVariant *value;
    int r = 0;

    if (!properties)
        return 0;
    g_variant_iter_init(&iterator, properties);
    while (r >= 0 && g_variant_iter_next(&iterator, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;
        if ((r = sd_bus_message_open_container(call, 'r', "sv")) < 0 ||
            (r = sd_bus_message_append(call, "s", name)) < 0 || (r = append_value(call, owned)) < 0)
            return r;
        r = sd_bus_message_close_container(call);
    }
    return r;
}

static int append_properties(sd_bus_message *call, const BerthScopeOptions *options,
                             const char *controller) {
    uint64_t timeout = options->stop_timeout_usec < UINT64_MAX - STOP_MARGIN_USEC
                           ? options->stop_timeout_usec + STOP_MARGIN_USEC
                           : UINT64_MAX;
    int r;

    if ((r = sd_bus_message_open_container(call, 'a', "(sv)")) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "PIDs", "au", 1, options->pid)) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "Slice", "s", options->slice)) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "Description", "s", options->description)) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "Delegate", "b", 1)) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "CollectMode", "s", "inactive-or-failed")) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "Controller", "s", controller)) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "KillSignal", "i", options->stop_signal)) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "TimeoutStopUSec", "t", timeout)) < 0 ||
        (r = append_given(call, options->properties)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int make_start(BerthScopes *scopes, const BerthScopeOptions *options,
                      sd_bus_message **call) {
    const char *controller;
    int r;

    if ((r = sd_bus_get_unique_name(scopes->bus, &controller)) < 0 ||
        (r = sd_bus_message_new_method_call(scopes->bus, call, SYSTEMD, MANAGER_PATH, MANAGER,
                                            "StartTransientUnit")) < 0 ||
        (r = sd_bus_message_append(*call, "ss", options->unit, "fail")) < 0 ||
        (r = append_properties(*call, options, controller)) < 0)
        return r;
    return sd_bus_message_append(*call, "a(sa(sv))", 0);
}

/* A message is sent once: each try sends a copy. */
static void send_start(Operation *operation) {
    g_autoptr(sd_bus_message) copy = NULL;
    sd_bus *bus = operation->scopes->bus;
    int r;

    operation->slot = sd_bus_slot_unref(operation->slot);
    if ((r = sd_bus_message_new_method_call(bus, &copy, SYSTEMD, MANAGER_PATH, MANAGER,
                                            "StartTransientUnit")) < 0 ||
        (r = sd_bus_message_rewind(operation->call, 1)) < 0 ||
        (r = sd_bus_message_copy(copy, operation->call, 1)) < 0 ||
        (r = sd_bus_call_async(bus, &operation->slot, copy, on_started, operation,
                               CALL_TIMEOUT_USEC)) < 0)
        fail(operation, r, NULL, "ask systemd for a scope");
}

void berth_scopes_start(BerthScopes *scopes, const BerthScopeOptions *options, BerthScopeDone done,
                        void *userdata) {
    Operation *operation = new_operation(scopes, done, userdata);
    int r = make_start(scopes, options, &operation->call);

    operation->unit = g_strdup(options->unit);
    if (r < 0 || (r = sd_bus_message_seal(operation->call, 1, 0)) < 0)
        fail(operation, r, NULL, "ask systemd for a scope");
    else
        send_start(operation);
}

/* For calls that systemd answers with nothing but their success. */
static int on_answered(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Operation *operation = userdata;

    (void)error;
    if (sd_bus_message_is_method_error(reply, NULL))
        fail(operation, EIO, sd_bus_message_get_error(reply), "systemd refused");
    else
        finish(operation, NULL);
    return 0;
}

void berth_scopes_kill(BerthScopes *scopes, const char *unit, int signal, BerthScopeDone done,
                       void *userdata) {
    Operation *operation = new_operation(scopes, done, userdata);
    int r = sd_bus_call_method_async(scopes->bus, &operation->slot, SYSTEMD, MANAGER_PATH, MANAGER,
                                     "KillUnit", on_answered, operation, "ssi", unit, "all",
                                     (int32_t)signal);

    if (r < 0)
        fail(operation, r, NULL, "ask systemd to kill");
}

void berth_scopes_freeze(BerthScopes *scopes, const char *unit, bool frozen, BerthScopeDone done,
                         void *userdata) {
    Operation *operation = new_operation(scopes, done, userdata);
    int r = sd_bus_call_method_async(scopes->bus, &operation->slot, SYSTEMD, MANAGER_PATH, MANAGER,
                                     frozen ? "FreezeUnit" : "ThawUnit", on_answered, operation,
                                     "s", unit);

    if (r < 0)
        fail(operation, r, NULL, "ask systemd to freeze");
}

void berth_scopes_set_properties(BerthScopes *scopes, const char *unit, GVariant *properties,
                                 BerthScopeDone done, void *userdata) {
    Operation *operation = new_operation(scopes, done, userdata);
    g_autoptr(sd_bus_message) call = NULL;
    int r;

    if ((r = sd_bus_message_new_method_call(scopes->bus, &call, SYSTEMD, MANAGER_PATH, MANAGER,
                                            "SetUnitProperties")) < 0 ||
        (r = sd_bus_message_append(call, "sb", unit, 1)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "(sv)")) < 0 ||
        (r = append_given(call, properties)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0 ||
        (r = sd_bus_call_async(scopes->bus, &operation->slot, call, on_answered, operation,
                               CALL_TIMEOUT_USEC)) < 0)
        fail(operation, r, NULL, "ask systemd for other properties");
}

typedef struct {
    BerthScopeSeen seen;
    void *userdata;
} Listing;

static int on_listed(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    g_autofree Listing *listing = userdata;
    const char *unit;
    int r = sd_bus_message_is_method_error(reply, NULL)
                ? -EIO
                : sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");

    (void)error;
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "ssssssouso")) > 0) {
        if ((r = sd_bus_message_read(reply, "s", &unit)) < 0 ||
            (r = sd_bus_message_skip(reply, "sssssouso")) < 0 ||
            (r = sd_bus_message_exit_container(reply)) < 0)
            break;
        listing->seen(unit, listing->userdata);
    }
    return 0;
}

void berth_scopes_list(BerthScopes *scopes, const char *pattern, BerthScopeSeen seen,
                       void *userdata) {
    Listing *listing = g_new0(Listing, 1);

    *listing = (Listing){seen, userdata};
    if (sd_bus_call_method_async(scopes->bus, NULL, SYSTEMD, MANAGER_PATH, MANAGER,
                                 "ListUnitsByPatterns", on_listed, listing, "asas", 0, 1,
                                 pattern) < 0)
        g_free(listing);
}
