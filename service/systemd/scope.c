/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * BerthScopes sends calls to systemd. Each is a ScopeCall until it has been answered, owned by the
 * array in BerthScopes. A start passes through these states:
 *
 *   asking    only for a scope that is bound to another unit: systemd was asked for that unit's
 *             state
 *   sent      systemd has received the StartTransientUnit call
 *   waiting   an earlier scope still has the name (UnitExists); when it is gone, UnitRemoved causes
 *             the call to be sent again
 *   queued    systemd has returned the job; JobRemoved completes it
 *
 * All other calls end with their reply. berth_scopes_forget() removes a call in any state.
 */

#include "systemd/scope.h"

#include "systemd/manager.h"
#include "systemd/scope-message.h"
#include "systemd/unit-properties.h"

#include <errno.h>
#include <string.h>

#define CALL_TIMEOUT_USEC (60ull * G_USEC_PER_SEC)

typedef enum {
    SCOPE_CALL_ASKING,
    SCOPE_CALL_SENT,
    SCOPE_CALL_WAITING,
    SCOPE_CALL_QUEUED,
} ScopeCallState;

typedef struct {
    BerthScopes *scopes;
    sd_bus_slot *slot;
    ScopeCallState state;
    sd_bus_message *start; /* sealed; sent again when the name is free; NULL for other calls */
    char *unit;
    sd_bus_message *unordered; /* the same without After=; NULL unless bound to a unit */
    char *bound_to;            /* that unit, or NULL */
    char *job;                 /* object path; NULL until systemd has returned it */
    BerthScopeDone done;
    void *userdata;
} ScopeCall;

struct BerthScopes {
    sd_bus *bus;
    sd_bus_slot *job_removed, *request_stop, *unit_removed;
    sd_bus_slot *subscription; /* the call that makes systemd send UnitRemoved */
    GPtrArray *calls;          /* ScopeCall; owned */
    BerthStopRequested requested;
    void *userdata;
};

static void scope_call_free(gpointer data) {
    ScopeCall *pending = data;

    sd_bus_slot_unref(pending->slot);
    sd_bus_message_unref(pending->start);
    sd_bus_message_unref(pending->unordered);
    g_free(pending->unit);
    g_free(pending->bound_to);
    g_free(pending->job);
    g_free(pending);
}

/* The call is removed before done is called, since done may start other calls, or free what
 * userdata points to. */
static void scope_call_finish(ScopeCall *pending, const GError *error) {
    BerthScopeDone done = pending->done;
    void *userdata = pending->userdata;

    g_ptr_array_remove_fast(pending->scopes->calls, pending);
    if (done)
        done(error, userdata);
}

static void set_bound_inactive(const char *unit, GError **error) {
    berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                    "the unit \"%s\", which the container is bound to, is not active", unit);
}

static void scope_call_finish_job(ScopeCall *pending, const char *result) {
    g_autoptr(GError) error = NULL;

    if (pending->bound_to && g_str_equal(result, "dependency"))
        set_bound_inactive(pending->bound_to, &error);
    else if (!g_str_equal(result, "done"))
        berth_error_set(&error, BERTH_ERROR_LAUNCH_FAILED, "systemd did not start the scope: %s",
                        result);
    scope_call_finish(pending, error);
}

/* systemd sends this signal to the client that has queued the job, even if no client has subscribed
 * to signals. Jobs of other clients are not in the list. */
static int scopes_on_job_removed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthScopes *scopes = userdata;
    const char *path, *unit, *result;
    uint32_t id;

    (void)error;
    if (sd_bus_message_read(signal, "uoss", &id, &path, &unit, &result) < 0)
        return 0;
    for (guint i = 0; i < scopes->calls->len; i++) {
        ScopeCall *pending = scopes->calls->pdata[i];
        if (pending->job && g_str_equal(pending->job, path)) {
            scope_call_finish_job(pending, result);
            return 0;
        }
    }
    return 0;
}

/* systemd sends RequestStop to the Controller of a scope, and leaves it to stop the scope
 * (org.freedesktop.systemd1(5), "Scope Unit Objects"). The object path identifies the unit. */
static int scopes_on_request_stop(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthScopes *scopes = userdata;
    g_autofree char *unit = NULL;

    (void)error;
    if (sd_bus_path_decode(sd_bus_message_get_path(signal), BERTH_SYSTEMD_PATH "/unit", &unit) > 0)
        scopes->requested(unit, scopes->userdata);
    return 0;
}

BerthScopes *berth_scopes_new(sd_bus *bus, BerthStopRequested requested, void *userdata,
                              GError **error) {
    BerthScopes *scopes = g_new0(BerthScopes, 1);
    int r;

    scopes->bus = bus;
    scopes->calls = g_ptr_array_new_with_free_func(scope_call_free);
    scopes->requested = requested;
    scopes->userdata = userdata;
    if ((r = sd_bus_match_signal_async(bus, &scopes->job_removed, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                                       BERTH_SYSTEMD_MANAGER, "JobRemoved", scopes_on_job_removed,
                                       NULL, scopes)) < 0 ||
        (r = sd_bus_match_signal_async(bus, &scopes->request_stop, BERTH_SYSTEMD, NULL,
                                       BERTH_SYSTEMD ".Scope", "RequestStop",
                                       scopes_on_request_stop, NULL, scopes)) < 0) {
        berth_error_set_errno(error, r, "listen to systemd");
        berth_scopes_free(scopes);
        return NULL;
    }
    return scopes;
}

void berth_scopes_free(BerthScopes *scopes) {
    if (!scopes)
        return;
    g_ptr_array_unref(scopes->calls);
    sd_bus_slot_unref(scopes->job_removed);
    sd_bus_slot_unref(scopes->request_stop);
    sd_bus_slot_unref(scopes->unit_removed);
    sd_bus_slot_unref(scopes->subscription);
    g_free(scopes);
}

/* Freeing a call drops its slot, so a reply that still arrives is ignored. */
void berth_scopes_forget(BerthScopes *scopes, void *userdata) {
    for (guint i = scopes->calls->len; i-- > 0;)
        if (((ScopeCall *)scopes->calls->pdata[i])->userdata == userdata)
            g_ptr_array_remove_index_fast(scopes->calls, i);
}

static ScopeCall *scope_call_new(BerthScopes *scopes, BerthScopeDone done, void *userdata) {
    ScopeCall *pending = g_new0(ScopeCall, 1);

    pending->scopes = scopes;
    pending->done = done;
    pending->userdata = userdata;
    g_ptr_array_add(scopes->calls, pending);
    return pending;
}

/* Finishes a call with systemd's own message if there is one, otherwise with that of the errno. */
static void scope_call_fail(ScopeCall *pending, int errnum, const sd_bus_error *bus_error,
                            const char *what) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_LAUNCH_FAILED, "%s: %s", what,
                    bus_error && bus_error->message ? bus_error->message : g_strerror(ABS(errnum)));
    scope_call_finish(pending, error);
}

static void scope_call_send_start(ScopeCall *pending);

/* Neither call waits for a reply: UnitRemoved notifies a start that waits for the name. */
void berth_scopes_stop(BerthScopes *scopes, const char *unit) {
    g_autofree char *path = NULL;

    /* systemd would ask the scope's controller to stop it and wait for that; an abandoned scope has
     * no controller. */
    if (sd_bus_path_encode(BERTH_SYSTEMD_PATH "/unit", unit, &path) >= 0)
        sd_bus_call_method_async(scopes->bus, NULL, BERTH_SYSTEMD, path, BERTH_SYSTEMD ".Scope",
                                 "Abandon", NULL, NULL, "");
    sd_bus_call_method_async(scopes->bus, NULL, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                             BERTH_SYSTEMD_MANAGER, "StopUnit", NULL, NULL, "ss", unit, "replace");
}

/* systemd removes a scope a few milliseconds after its last process has exited, so a restarted
 * container may find the name taken for a moment. */
static int scopes_on_unit_removed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    BerthScopes *scopes = userdata;
    const char *unit;

    (void)error;
    if (sd_bus_message_read(signal, "s", &unit) < 0)
        return 0;
    for (guint i = 0; i < scopes->calls->len; i++) {
        ScopeCall *pending = scopes->calls->pdata[i];
        if (pending->state == SCOPE_CALL_WAITING && g_str_equal(pending->unit, unit)) {
            pending->state = SCOPE_CALL_SENT;
            scope_call_send_start(pending);
            return 0;
        }
    }
    return 0;
}

/* The scopes may have disappeared before the subscription took effect, so every waiting start is
 * sent again immediately; it waits again if the name is still taken. */
static int scopes_on_subscribed(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    GPtrArray *calls = ((BerthScopes *)userdata)->calls;

    (void)reply;
    (void)error;
    for (guint i = calls->len; i-- > 0;) {
        ScopeCall *pending = calls->pdata[i];
        if (pending->state == SCOPE_CALL_WAITING) {
            pending->state = SCOPE_CALL_SENT;
            scope_call_send_start(pending);
        }
    }
    return 0;
}

/* An earlier scope still has the name. systemd sends unit signals only while a client has
 * subscribed to them. The reply is for all starts that wait by then, even if this one has been
 * cancelled. */
static void scope_call_wait_for_name(ScopeCall *pending) {
    BerthScopes *scopes = pending->scopes;
    int r;

    pending->state = SCOPE_CALL_WAITING;
    /* A scope whose process exited before it was moved in is empty, and would stay forever. */
    berth_scopes_stop(scopes, pending->unit);
    if (scopes->unit_removed)
        return;
    if ((r = sd_bus_match_signal_async(scopes->bus, &scopes->unit_removed, BERTH_SYSTEMD,
                                       BERTH_SYSTEMD_PATH, BERTH_SYSTEMD_MANAGER, "UnitRemoved",
                                       scopes_on_unit_removed, NULL, scopes)) < 0 ||
        (r = sd_bus_call_method_async(scopes->bus, &scopes->subscription, BERTH_SYSTEMD,
                                      BERTH_SYSTEMD_PATH, BERTH_SYSTEMD_MANAGER, "Subscribe",
                                      scopes_on_subscribed, scopes, NULL)) < 0)
        scope_call_fail(pending, r, NULL, "listen to systemd");
}

/* The reply always precedes JobRemoved, since messages on one connection keep their order. */
static int scope_call_on_started(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    ScopeCall *pending = userdata;
    const char *job;

    (void)error;
    pending->slot = sd_bus_slot_unref(pending->slot);
    if (sd_bus_message_is_method_error(reply, BERTH_SYSTEMD ".UnitExists")) {
        scope_call_wait_for_name(pending);
        return 0;
    }
    if (sd_bus_message_is_method_error(reply, NULL)) {
        scope_call_fail(pending, EIO, sd_bus_message_get_error(reply),
                        "systemd did not create the scope");
        return 0;
    }
    int r = sd_bus_message_read(reply, "o", &job);
    if (r < 0)
        scope_call_fail(pending, r, NULL, "read systemd's reply");
    else {
        pending->state = SCOPE_CALL_QUEUED;
        pending->job = g_strdup(job);
    }
    return 0;
}

/* A message can be sent only once, so each attempt sends a copy. */
static void scope_call_send_start(ScopeCall *pending) {
    g_autoptr(sd_bus_message) copy = NULL;
    sd_bus *bus = pending->scopes->bus;
    int r;

    pending->slot = sd_bus_slot_unref(pending->slot);
    if ((r = sd_bus_message_new_method_call(bus, &copy, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                                            BERTH_SYSTEMD_MANAGER, "StartTransientUnit")) < 0 ||
        (r = sd_bus_message_rewind(pending->start, 1)) < 0 ||
        (r = sd_bus_message_copy(copy, pending->start, 1)) < 0 ||
        (r = sd_bus_call_async(bus, &pending->slot, copy, scope_call_on_started, pending,
                               CALL_TIMEOUT_USEC)) < 0)
        scope_call_fail(pending, r, NULL, "ask systemd for a scope");
}

/* Starts the slice, which "ignore-requirements" leaves out. Through its After=, the scope's own job
 * waits for this one. */
static void scopes_start_slice(BerthScopes *scopes, const char *slice) {
    (void)sd_bus_call_method_async(scopes->bus, NULL, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                                   BERTH_SYSTEMD_MANAGER, "StartUnit", NULL, NULL, "ss", slice,
                                   "fail");
}

/* The reply contains one unit with ten fields, of which the fourth is its state. */
static int scope_call_on_bound_state(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    ScopeCall *pending = userdata;
    g_autoptr(GError) inactive = NULL;
    const char *name, *description, *load, *active;
    int r = sd_bus_message_is_method_error(reply, NULL)
                ? -EIO
                : sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");

    (void)error;
    if (r < 0 || (r = sd_bus_message_enter_container(reply, 'r', "ssssssouso")) <= 0 ||
        (r = sd_bus_message_read(reply, "ssss", &name, &description, &load, &active)) < 0) {
        scope_call_fail(pending, r, sd_bus_message_get_error(reply), "ask systemd for a unit");
        return 0;
    }
    bool starting = g_str_equal(active, "activating");
    /* A unit that is reloading is active. Newer versions of systemd also have "refreshing", while
     * they renew a unit's mounts. */
    if (!starting && !g_str_equal(active, "active") && !g_str_equal(active, "reloading") &&
        !g_str_equal(active, "refreshing")) {
        set_bound_inactive(pending->bound_to, &inactive);
        scope_call_finish(pending, inactive);
        return 0;
    }
    if (starting) {
        sd_bus_message_unref(pending->start);
        pending->start = g_steal_pointer(&pending->unordered);
    }
    pending->state = SCOPE_CALL_SENT;
    scope_call_send_start(pending);
    return 0;
}

static int scope_call_ask_for_bound(ScopeCall *pending, const BerthScopeOptions *options) {
    BerthScopes *scopes = pending->scopes;
    int r;

    pending->state = SCOPE_CALL_ASKING;
    pending->bound_to = g_strdup(options->bound_to);
    if ((r = berth_scope_make_start(scopes->bus, options, false, &pending->unordered)) < 0 ||
        (r = sd_bus_message_seal(pending->unordered, 1, 0)) < 0)
        return r;
    scopes_start_slice(scopes, options->slice);
    return sd_bus_call_method_async(scopes->bus, &pending->slot, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                                    BERTH_SYSTEMD_MANAGER, "ListUnitsByNames",
                                    scope_call_on_bound_state, pending, "as", 1, options->bound_to);
}

void berth_scopes_start(BerthScopes *scopes, const BerthScopeOptions *options, BerthScopeDone done,
                        void *userdata) {
    ScopeCall *pending = scope_call_new(scopes, done, userdata);
    int r = berth_scope_make_start(scopes->bus, options, true, &pending->start);

    pending->state = SCOPE_CALL_SENT;
    pending->unit = g_strdup(options->unit);
    if (r < 0 || (r = sd_bus_message_seal(pending->start, 1, 0)) < 0 ||
        (options->bound_to && (r = scope_call_ask_for_bound(pending, options)) < 0))
        scope_call_fail(pending, r, NULL, "ask systemd for a scope");
    else if (!options->bound_to)
        scope_call_send_start(pending);
}

/* For calls whose reply is empty. */
static int scope_call_on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    ScopeCall *pending = userdata;

    (void)error;
    if (sd_bus_message_is_method_error(reply, NULL))
        scope_call_fail(pending, EIO, sd_bus_message_get_error(reply), "systemd refused");
    else
        scope_call_finish(pending, NULL);
    return 0;
}

/* "all" addresses the processes of the whole cgroup rather than just a main process, which a scope
 * does not have. */
void berth_scopes_kill(BerthScopes *scopes, const char *unit, int signal, BerthScopeDone done,
                       void *userdata) {
    ScopeCall *pending = scope_call_new(scopes, done, userdata);
    int r = sd_bus_call_method_async(scopes->bus, &pending->slot, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                                     BERTH_SYSTEMD_MANAGER, "KillUnit", scope_call_on_reply,
                                     pending, "ssi", unit, "all", (int32_t)signal);

    if (r < 0)
        scope_call_fail(pending, r, NULL, "ask systemd to kill");
}

void berth_scopes_freeze(BerthScopes *scopes, const char *unit, bool frozen, BerthScopeDone done,
                         void *userdata) {
    ScopeCall *pending = scope_call_new(scopes, done, userdata);
    int r = sd_bus_call_method_async(scopes->bus, &pending->slot, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                                     BERTH_SYSTEMD_MANAGER, frozen ? "FreezeUnit" : "ThawUnit",
                                     scope_call_on_reply, pending, "s", unit);

    if (r < 0)
        scope_call_fail(pending, r, NULL, "ask systemd to freeze");
}

void berth_scopes_set_properties(BerthScopes *scopes, const char *unit, GVariant *properties,
                                 BerthScopeDone done, void *userdata) {
    ScopeCall *pending = scope_call_new(scopes, done, userdata);
    g_autoptr(sd_bus_message) call = NULL;
    int r;

    if ((r = sd_bus_message_new_method_call(scopes->bus, &call, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                                            BERTH_SYSTEMD_MANAGER, "SetUnitProperties")) < 0 ||
        (r = sd_bus_message_append(call, "sb", unit, 1)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "(sv)")) < 0 ||
        (r = berth_unit_append_properties(call, properties)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0 ||
        (r = sd_bus_call_async(scopes->bus, &pending->slot, call, scope_call_on_reply, pending,
                               CALL_TIMEOUT_USEC)) < 0)
        scope_call_fail(pending, r, NULL, "ask systemd to set properties");
}
