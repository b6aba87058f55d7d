/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starts a container in the foreground or detached. In the foreground and without a terminal, the
 * container gets dist's own standard descriptors: its input and output pass neither through dist
 * nor through the service.
 */

#include "client/run-start.h"

#include "client/bus.h"
#include "client/descriptor-limit.h"
#include "client/descriptors.h"
#include "client/foreground.h"
#include "client/run-options.h"

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* member: "Start" or "Restore". Only Start takes further descriptors. */
static sd_bus_message *new_start(const char *member, const char *id, DistStreams streams,
                                 GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_CONTAINERS, member);
    int r;

    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "s", id)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (streams == DIST_STREAMS_OWN && (r = dist_append_streams(call)) < 0) ||
        (streams == DIST_STREAMS_NULL && (r = dist_append_null_streams(call)) < 0) ||
        (g_str_equal(member, "Start") && (r = dist_append_descriptors(call)) < 0) ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), NULL;
    }
    if (!dist_check_descriptors(dist_count_descriptors(streams != DIST_STREAMS_JOURNAL), error))
        call = sd_bus_message_unref(call);
    return call;
}

/* Whether SIGTERM stopped the container that ran in the foreground. */
static bool was_told_to_stop;

/* Whether systemd started this very process as that of a unit (systemd.exec(5), $SYSTEMD_EXEC_PID):
 * SIGTERM is then a request to stop the unit. */
static bool is_unit_process(void) {
    const char *pid = g_getenv("SYSTEMD_EXEC_PID");

    return dist_run_given.with_caller ||
           (pid && g_ascii_strtoll(pid, NULL, 10) == (gint64)getpid());
}

int dist_start_in_foreground(DistCreateCall *creation, const char *member, const char *id,
                             bool terminal, bool was_stopped, GError **error) {
    g_autoptr(sd_bus_message) start =
        new_start(member, id, terminal ? DIST_STREAMS_JOURNAL : DIST_STREAMS_OWN, error);
    const DistForeground foreground = {
        .id = id,
        .process = "",
        .create = creation ? creation->create : NULL,
        .creation = creation ? &creation->state : NULL,
        .start = start,
        .wait_after_start = was_stopped,
        .view = terminal ? DIST_SHOWS_TERMINAL : DIST_SHOWS_NOTHING,
        .notify = dist_run_given.notify,
        .signals = !dist_run_given.passes_signals ? DIST_SIGNALS_KEPT
                   : is_unit_process()            ? DIST_SIGNALS_PASSED_IN_UNIT
                                                  : DIST_SIGNALS_PASSED,
        .stop_requested = &was_told_to_stop,
        .detach_keys = dist_run_given.detach_keys ? dist_run_given.detach_keys : DIST_DETACH_KEYS,
        .pid_file = dist_run_given.pid_file,
    };

    return start ? dist_foreground_run(&foreground, error) : DIST_EXIT_BERTH;
}

/* dist exits, and the container's process becomes the main process of dist's unit (sd_notify(3)).
 */
static void hand_unit_over(sd_bus_message *started) {
    uint32_t pid;

    if (sd_bus_message_rewind(started, 1) >= 0 && sd_bus_message_read(started, "u", &pid) >= 0)
        sd_notifyf(0, "MAINPID=%" PRIu32 "\nREADY=1", pid);
}

/* Prints the id, which scripts read. The pid file is written first: failing to write it is an
 * error, although the container runs. */
bool dist_start_detached(const char *member, const char *id, DistStreams streams, GError **error) {
    sd_bus_message *call = new_start(member, id, streams, error);
    g_autoptr(sd_bus_message) reply = call ? dist_send(call, error) : NULL;

    if (!reply || !dist_write_pid(reply, dist_run_given.pid_file, error))
        return false;
    if (dist_run_given.with_caller && dist_run_given.notify == DIST_NOTIFY_STARTED)
        hand_unit_over(reply);
    puts(id);
    return true;
}

bool dist_start_was_terminated(void) {
    return was_told_to_stop;
}
