/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist events: prints what happens to containers, as signalled by the service, preceded by past
 * events on request. Events have increasing numbers; the number of the last one printed is the only
 * state.
 */

#include "client/verbs-events.h"

#include "base/document-members.h"
#include "base/document.h"
#include "client/bus.h"
#include "client/dictionary.h"
#include "client/format.h"

#include <stdio.h>
#include <stdlib.h>

/* Kind, container and process are plain words, unless the service's database is corrupt. */
typedef struct {
    uint64_t sequence, usec;
    const char *kind, *id, *process;
    uint32_t pid;
    int32_t status;
} Event;

static void event_print_json(const Event *event) {
    g_autoptr(json_object) object = json_object_new_object();

    berth_document_add_int(object, "sequence", (int64_t)event->sequence);
    berth_document_add_string(object, "kind", event->kind);
    berth_document_add_string(object, "id", event->id);
    berth_document_add_string(object, "process", event->process);
    berth_document_add_int(object, "pid", event->pid);
    berth_document_add_int(object, "status", event->status);
    berth_document_add_int(object, "time", (int64_t)event->usec);
    g_autofree char *text = dist_format_value(object, false);
    puts(text);
}

static void event_print_line(const Event *event) {
    g_autofree char *time = dist_format_time(event->usec);
    g_autofree char *whole =
        g_strdup_printf("%s%s%s", event->id, event->process[0] ? " " : "", event->process);
    g_autofree char *name = dist_format_text(whole, "");
    g_autofree char *kind = dist_format_text(event->kind, "");

    if (g_str_equal(kind, "exit"))
        printf("%s  %-12s %s  %d\n", time, kind, name, event->status);
    else
        printf("%s  %-12s %s\n", time, kind, name);
}

/* Prints an event if it is newer than *last, and sets *last to its number. After Subscribe an event
 * may arrive twice, as a signal and in the reply to EventsSince. */
static void print_event(sd_bus_message *message, uint64_t *last) {
    Event event = {.process = "", .status = -1};
    const DistField details[] = {
        {"Process", "s", &event.process}, {"Pid", "u", &event.pid}, {"Status", "i", &event.status},
        {"Time", "t", &event.usec},       {NULL, NULL, NULL},
    };

    if (sd_bus_message_read(message, "tss", &event.sequence, &event.kind, &event.id) <= 0 ||
        dist_dictionary_read(message, details) < 0 || event.sequence <= *last)
        return;
    *last = event.sequence;
    if (dist_settings.json != DIST_JSON_OFF)
        event_print_json(&event);
    else
        event_print_line(&event);
    fflush(stdout);
}

static int events_on_event(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    (void)error;
    print_event(signal, userdata);
    return 0;
}

/* Prints all events after *last. A reply has at most 1000, so it asks until there are no more. */
static bool print_past_events(uint64_t *last, GError **error) {
    uint64_t before;

    do {
        before = *last;
        g_autoptr(sd_bus_message) reply =
            dist_call(error, DIST_CONTAINERS, "EventsSince", "ta{sv}", before, 0);
        if (!reply)
            return false;
        int r = sd_bus_message_enter_container(reply, 'a', "(tssa{sv})");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "tssa{sv}")) > 0) {
            print_event(reply, last);
            r = sd_bus_message_exit_container(reply);
        }
        if (r < 0)
            return dist_bad_reply(r, error);
    } while (*last != before);
    return true;
}

static struct {
    gint64 since;
    gboolean no_follow;
} events_given = {.since = -1};

const DistOption dist_events_options[] = {
    {"since", 0, DIST_OPTION_NUMBER, &events_given.since,
     N_("Show past events after this number first"), N_("SEQUENCE")},
    {"no-follow", 0, DIST_OPTION_FLAG, &events_given.no_follow,
     N_("Do not wait for further events"), NULL},
    DIST_OPTION_END,
};

/* Subscribes before asking for past events, so that none is lost in between. The match precedes
 * Subscribe for the same reason. */
int dist_verb_events(char **argv, GError **error) {
    uint64_t last = 0;
    int r = 0;

    (void)argv;
    sd_bus *bus = dist_bus(error);
    if (!bus)
        return EXIT_FAILURE;
    last = (uint64_t)MAX(events_given.since, 0);
    if (!events_given.no_follow) {
        r = sd_bus_match_signal(bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Event",
                                events_on_event, &last);
        g_autoptr(sd_bus_message) subscribed =
            r < 0 ? NULL : dist_call(error, DIST_CONTAINERS, "Subscribe", "a{sv}", 0);
        if (!subscribed)
            return EXIT_FAILURE;
    }
    if (events_given.since >= 0 && !print_past_events(&last, error))
        return EXIT_FAILURE;
    while (!events_given.no_follow && r >= 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    }
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    return EXIT_SUCCESS;
}
