/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waits for a transfer: shows its Progress signals, cancels it on Ctrl-C, and reads the result from
 * the reply to Wait. Each wait has its own event loop, to which the connection is attached for that
 * time.
 */

#include "client/progress.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/progress-view.h"
#include "client/signals.h"
#include "client/unit-status.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

typedef struct {
    sd_bus *bus;
    sd_event *event;
    const char *path;
    DistProgressView *view;
    /* Freed with the wait, so that no callback runs for signals that are still queued. */
    sd_bus_slot *progress, *wait;
    sd_bus_message *reply;
    bool cancelled;
} Waiting;

static int progress_on_signal(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    Waiting *waiting = userdata;
    uint64_t done, total;

    (void)error;
    if (sd_bus_message_read(signal, "tt", &done, &total) >= 0)
        dist_unit_status_set_progress(done, total);
    if (sd_bus_message_rewind(signal, true) >= 0)
        dist_progress_view_update(waiting->view, signal);
    return 0;
}

static int progress_on_finished(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Waiting *waiting = userdata;

    (void)error;
    waiting->reply = sd_bus_message_ref(reply);
    return sd_event_exit(waiting->event, 0);
}

/* The first Ctrl-C cancels the transfer and waits until it has ended; the second one exits at once.
 */
static int progress_on_interrupt(sd_event_source *source, const struct signalfd_siginfo *info,
                                 void *userdata) {
    Waiting *waiting = userdata;

    (void)info;
    if (waiting->cancelled)
        return sd_event_exit(sd_event_source_get_event(source), 1);
    waiting->cancelled = true;
    return sd_bus_call_method_async(waiting->bus, NULL, DIST_DESTINATION, waiting->path,
                                    "org.berth1.Transfer", "Cancel", NULL, NULL, "a{sv}", 0);
}

/* The match is added before Wait is called, so that no signal is missed. */
static int progress_start(Waiting *waiting) {
    int r;

    (void)dist_block_interrupts();
    if ((r = sd_event_default(&waiting->event)) < 0 ||
        (r = sd_event_add_signal(waiting->event, NULL, SIGINT, progress_on_interrupt, waiting)) <
            0 ||
        (r = sd_event_add_signal(waiting->event, NULL, SIGTERM, progress_on_interrupt, waiting)) <
            0 ||
        (r = sd_bus_attach_event(waiting->bus, waiting->event, 0)) < 0 ||
        ((dist_progress_view_is_wanted(waiting->view) || dist_unit_status_is_pull()) &&
         (r = sd_bus_match_signal_async(waiting->bus, &waiting->progress, NULL, waiting->path,
                                        "org.berth1.Transfer", "Progress", progress_on_signal, NULL,
                                        waiting)) < 0))
        return r;
    return sd_bus_call_method_async(waiting->bus, &waiting->wait, DIST_DESTINATION, waiting->path,
                                    "org.berth1.Transfer", "Wait", progress_on_finished, waiting,
                                    "a{sv}", 0);
}

void dist_result_clear(DistResult *result) {
    g_clear_pointer(&result->name, g_free);
    g_clear_pointer(&result->digest, g_free);
    g_clear_pointer(&result->names, g_strfreev);
    g_clear_pointer(&result->damaged, g_strfreev);
}

static bool progress_read_result(sd_bus_message *reply, DistResult *result, GError **error) {
    DistTarget target = {NULL, NULL, 0};
    g_auto(GStrv) warnings = NULL;
    const char *name = NULL;
    const DistField fields[] = {
        {"Name", "s", &name},
        {"Target", "(sst)", &target},
        {"Names", "as", &result->names},
        {"Damaged", "as", &result->damaged},
        {"Warnings", "as", &warnings},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read(reply, fields);

    if (r < 0)
        return dist_bad_reply(r, error);
    result->name = g_strdup(name);
    result->digest = g_strdup(target.digest);
    for (char **warning = warnings; warning && *warning; warning++) {
        g_autofree char *plain = dist_format_text(*warning, "");
        fprintf(stderr, _("dist: the registry warns: %s\n"), plain);
    }
    return true;
}

/* Wait replies once, with the result or with the transfer's error. If the loop ends without a
 * reply, the user has pressed Ctrl-C twice. */
static bool wait_transfer(const char *path, DistResult *result, GError **error) {
    Waiting waiting = {
        .bus = dist_bus(error),
        .path = path,
        .view = dist_progress_view_new(),
    };
    int r = progress_start(&waiting);

    if (r >= 0)
        r = sd_event_loop(waiting.event);
    sd_bus_slot_unref(waiting.progress);
    sd_bus_slot_unref(waiting.wait);
    sd_bus_detach_event(waiting.bus);
    g_clear_pointer(&waiting.event, sd_event_unref);
    dist_progress_view_free(waiting.view);
    g_autoptr(sd_bus_message) reply = waiting.reply;
    if (r < 0)
        return berth_error_set_errno(error, r, "%s", _("wait for the transfer"));
    if (!reply)
        return berth_error_set(error, BERTH_ERROR_CANCELLED, "%s",
                               _("interrupted; the transfer may continue"));
    if (!dist_check_reply(reply, error))
        return false;
    return progress_read_result(reply, result, error);
}

bool dist_wait_reply(sd_bus_message *reply, DistResult *result, GError **error) {
    g_autoptr(sd_bus_message) owned = reply;
    const char *path;

    if (!owned)
        return false;
    int r = sd_bus_message_read(owned, "o", &path);
    return r < 0 ? dist_bad_reply(r, error) : wait_transfer(path, result, error);
}

bool dist_finish_transfer(sd_bus_message *reply, const char *name, GError **error) {
    g_auto(DistResult) result = {0};

    if (!dist_wait_reply(reply, &result, error))
        return false;
    if (name)
        puts(result.name ? result.name : name);
    return true;
}
