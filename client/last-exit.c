/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds out how a process exited that may be gone. Reads the events, beginning with the oldest one
 * that the service keeps; the last exit of that name counts. A container that is deleted when it
 * exits may exit and disappear while the service is away from the bus, or before dist has asked
 * again.
 */

#include "client/last-exit.h"

#include "client/process-replies.h"
#include "client/service-errors.h"

/* The service is back within a second, unless it cannot start. */
enum { MAX_ABSENCES = 60 };

typedef struct {
    const char *id, *process;
    bool found;
    int32_t status;
} LastExitSearch;

static int read_details(sd_bus_message *reply, const char **process, int32_t *status) {
    const char *key;
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        if ((r = sd_bus_message_read(reply, "s", &key)) < 0)
            return r;
        r = g_str_equal(key, "Process")  ? sd_bus_message_read(reply, "v", "s", process)
            : g_str_equal(key, "Status") ? sd_bus_message_read(reply, "v", "i", status)
                                         : sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static int read_event(sd_bus_message *reply, LastExitSearch *search, uint64_t *sequence) {
    const char *kind, *id, *process = "";
    int32_t status = -1;
    int r;

    if ((r = sd_bus_message_read(reply, "tss", sequence, &kind, &id)) < 0 ||
        (r = read_details(reply, &process, &status)) < 0)
        return r;
    if (g_str_equal(kind, "exit") && g_str_equal(id, search->id) &&
        g_str_equal(process, search->process)) {
        search->found = true;
        search->status = status;
    }
    return 0;
}

/* Returns the number of events, or a negative errno. */
static int read_events(sd_bus_message *reply, LastExitSearch *search, uint64_t *sequence) {
    int count = 0, r = sd_bus_message_enter_container(reply, 'a', "(tssa{sv})");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "tssa{sv}")) > 0) {
        if ((r = read_event(reply, search, sequence)) < 0 ||
            (r = sd_bus_message_exit_container(reply)) < 0)
            return r;
        count++;
    }
    return r < 0 ? r : count;
}

/* The service may be killed again before it has answered this. */
static sd_bus_message *ask_for_events(uint64_t sequence, GError **error) {
    for (unsigned absences = 0;; absences++) {
        g_autoptr(sd_bus_message) call = dist_new_call(error, DIST_CONTAINERS, "EventsSince");
        g_auto(sd_bus_error) reason = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        if (!call)
            return NULL;
        int r = sd_bus_message_append(call, "ta{sv}", sequence, 0);
        if (r < 0 || (r = sd_bus_call(NULL, call, 0, &reason, &reply)) >= 0)
            return r < 0 ? (dist_bad_reply(r, error), NULL) : reply;
        if (absences == MAX_ABSENCES || !dist_error_is_absence(&reason)) {
            dist_set_bus_error(error, &reason, -r);
            return NULL;
        }
        g_usleep(dist_absence_delay_usec(absences));
        if (sd_bus_error_has_name(&reason, SD_BUS_ERROR_DISCONNECTED) && !dist_bus_reconnect(error))
            return NULL;
    }
}

/* A reply holds a limited number of events, so this asks until one is empty. */
bool dist_find_last_exit(const char *id, const char *process, int *status, GError **error) {
    LastExitSearch search = {.id = id, .process = process};
    uint64_t sequence = 0;
    int count;

    do {
        g_autoptr(sd_bus_message) reply = ask_for_events(sequence, error);
        if (!reply)
            return false;
        if ((count = read_events(reply, &search, &sequence)) < 0)
            return dist_bad_reply(count, error);
    } while (count > 0);
    if (!search.found || search.status < 0)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND, _("the exit status of %s is unknown"),
                               id);
    *status = search.status;
    return true;
}
