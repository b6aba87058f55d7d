/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The message that asks systemd to create a scope, with the properties of the container and those
 * that Berth sets for all of its scopes. There is no state here; the caller owns the message, and
 * may send it again unchanged (scope.c). The one thing to know: if a property occurs twice, systemd
 * uses the last value, so the order here is significant.
 */

#include "systemd/scope-message.h"

#include "systemd/manager.h"
#include "systemd/unit-properties.h"

/* Berth sends SIGKILL itself; systemd's own timeout comes this much later, as a fallback. */
#define STOP_MARGIN_USEC (5ull * G_USEC_PER_SEC)

/* With After=, the start of the scope would wait for a unit that is still starting, such as one of
 * Type=notify, which in turn waits for the container. */
static int scope_append_bound(sd_bus_message *call, const char *unit, bool ordered) {
    int r = 0;

    if (unit && (r = sd_bus_message_append(call, "(sv)", "BindsTo", "as", 1, unit)) >= 0 && ordered)
        r = sd_bus_message_append(call, "(sv)", "After", "as", 1, unit);
    return r;
}

/* The given properties come last. CollectMode=inactive-or-failed (systemd.unit(5)) also unloads a
 * scope that has failed, which would otherwise keep its name. The sum of the timeout and its margin
 * must not wrap around: UINT64_MAX means "no timeout". */
static int scope_append_properties(sd_bus_message *call, const BerthScopeOptions *options,
                                   bool ordered, const char *controller) {
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
        /* At shutdown, the scope stops first, through its controller. */
        (r = sd_bus_message_append(call, "(sv)", "After", "as", 1, "berthd.service")) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "KillSignal", "i", options->stop_signal)) < 0 ||
        (r = sd_bus_message_append(call, "(sv)", "TimeoutStopUSec", "t", timeout)) < 0 ||
        (r = scope_append_bound(call, options->bound_to, ordered)) < 0 ||
        (r = berth_unit_append_properties(call, options->properties)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* Mode "fail" never replaces a job that is queued for a unit of this name. BindsTo= would also
 * start the other unit, which the caller may not be allowed to do. With "ignore-requirements"
 * systemd starts only the scope, and stops it immediately if that unit is not active. The last
 * argument, auxiliary units, is always empty. */
int berth_scope_make_start(sd_bus *bus, const BerthScopeOptions *options, bool ordered,
                           sd_bus_message **call) {
    const char *controller;
    int r;

    if ((r = sd_bus_get_unique_name(bus, &controller)) < 0 ||
        (r = sd_bus_message_new_method_call(bus, call, BERTH_SYSTEMD, BERTH_SYSTEMD_PATH,
                                            BERTH_SYSTEMD_MANAGER, "StartTransientUnit")) < 0 ||
        (r = sd_bus_message_append(*call, "ss", options->unit,
                                   options->bound_to ? "ignore-requirements" : "fail")) < 0 ||
        (r = scope_append_properties(*call, options, ordered, controller)) < 0)
        return r;
    return sd_bus_message_append(*call, "a(sa(sv))", 0);
}
