/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A BerthShutdown belongs to berthd, and ends its event loop at SIGTERM or SIGINT. Containers
 * outlive the service, so it normally exits at once. But when the machine shuts down, systemd stops
 * units that are not ordered against each other at the same time: then a unit's dist still needs
 * the service for the container's own stop signal, and the bus, which systemd keeps until the
 * service has ended (After= in berthd.service). So it asks systemd whether the machine is shutting
 * down, and if so, it exits once no process of a container runs. systemd's own timeout for the
 * service, and a second signal, end it earlier.
 */

#include "systemd/shutdown.h"

#include "base/hold.h"
#include "base/log.h"
#include "systemd/manager.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

struct BerthShutdown {
    sd_event *event;
    sd_bus *bus;
    sd_event_source *terminate, *interrupt, *events;
    sd_bus_slot *question;
    bool requested;
};

static int shutdown_exit(BerthShutdown *shutdown) {
    return sd_event_exit(shutdown->event, EXIT_SUCCESS);
}

static bool has_processes(void) {
    return berth_holds_count_of(BERTH_HOLD_PROCESS) > 0 ||
           berth_holds_count_of(BERTH_HOLD_START) > 0;
}

/* The end of a process is an event, so the count is compared after each of them
 * (sd_event_add_post(3)). */
static int shutdown_on_event(sd_event_source *source, void *userdata) {
    (void)source;
    return has_processes() ? 0 : shutdown_exit(userdata);
}

/* SystemState (org.freedesktop.systemd1(5)) is "stopping" as soon as the shutdown is queued. */
static int shutdown_on_state(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    BerthShutdown *shutdown = userdata;
    const char *state;

    (void)error;
    shutdown->question = sd_bus_slot_unref(shutdown->question);
    if (sd_bus_message_is_method_error(reply, NULL) ||
        sd_bus_message_read(reply, "v", "s", &state) < 0 || !g_str_equal(state, "stopping") ||
        !has_processes())
        return shutdown_exit(shutdown);
    berth_log(LOG_DEBUG, NULL, NULL, NULL, "Waiting for containers to stop with the machine");
    sd_notify(0, "STATUS=Waiting for containers to stop");
    return sd_event_add_post(shutdown->event, &shutdown->events, shutdown_on_event, shutdown);
}

static int shutdown_on_signal(sd_event_source *source, const struct signalfd_siginfo *info,
                              void *userdata) {
    BerthShutdown *shutdown = userdata;

    (void)source;
    (void)info;
    if (shutdown->requested || !has_processes())
        return shutdown_exit(shutdown);
    shutdown->requested = true;
    if (sd_bus_call_method_async(shutdown->bus, &shutdown->question, BERTH_SYSTEMD,
                                 BERTH_SYSTEMD_PATH, "org.freedesktop.DBus.Properties", "Get",
                                 shutdown_on_state, shutdown, "ss", BERTH_SYSTEMD_MANAGER,
                                 "SystemState") < 0)
        return shutdown_exit(shutdown);
    return 0;
}

BerthShutdown *berth_shutdown_new(sd_event *event, sd_bus *bus, GError **error) {
    BerthShutdown *shutdown = g_new0(BerthShutdown, 1);
    int r;

    shutdown->event = event;
    shutdown->bus = bus;
    if ((r = sd_event_add_signal(event, &shutdown->terminate, SIGTERM, shutdown_on_signal,
                                 shutdown)) < 0 ||
        (r = sd_event_add_signal(event, &shutdown->interrupt, SIGINT, shutdown_on_signal,
                                 shutdown)) < 0) {
        berth_error_set_errno(error, r, "make the event loop");
        berth_shutdown_free(shutdown);
        return NULL;
    }
    return shutdown;
}

void berth_shutdown_free(BerthShutdown *shutdown) {
    if (!shutdown)
        return;
    sd_event_source_disable_unref(shutdown->terminate);
    sd_event_source_disable_unref(shutdown->interrupt);
    sd_event_source_disable_unref(shutdown->events);
    sd_bus_slot_unref(shutdown->question);
    g_free(shutdown);
}
