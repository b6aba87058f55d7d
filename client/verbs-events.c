/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist events: prints what happens to containers, as signalled by the service, preceded by past
 * events on request. Events have increasing numbers; the number of the last one is kept, and
 * whether the end was reached.
 */

#include "client/verbs-events.h"

#include "base/document-members.h"
#include "base/document.h"
#include "client/bus.h"
#include "client/dictionary.h"
#include "client/event-filter.h"
#include "client/format.h"
#include "client/run-values.h"
#include "client/template.h"

#include <stdio.h>
#include <stdlib.h>

/* Kind, container and process are plain words, unless the service's database is corrupt. */
typedef struct {
    uint64_t sequence, usec;
    const char *kind, *id, *process;
    uint32_t pid;
    int32_t status;
} Event;

static struct {
    char *since, *until, *format;
    gboolean no_follow, stream;
    /* Of since and until, in microseconds since the epoch. */
    uint64_t since_usec, until_usec;
} events_given = {.stream = TRUE, .until_usec = UINT64_MAX};

/* The number of the last event that was read, of which nothing later is printed again. */
typedef struct {
    uint64_t last;
    GError *error;
} Events;

static json_object *event_make_object(const Event *event) {
    json_object *object = json_object_new_object();

    berth_document_add_int(object, "sequence", (int64_t)event->sequence);
    berth_document_add_string(object, "kind", event->kind);
    berth_document_add_string(object, "id", event->id);
    berth_document_add_string(object, "process", event->process);
    berth_document_add_int(object, "pid", event->pid);
    berth_document_add_int(object, "status", event->status);
    berth_document_add_int(object, "time", (int64_t)event->usec);
    return object;
}

static void event_print_json(const Event *event) {
    g_autoptr(json_object) object = event_make_object(event);
    g_autofree char *text = dist_format_value(object, false);

    puts(text);
}

/* The members of --json, and podman's names, of which Status is the kind. Members are found
 * without regard to case unless one matches in case. */
static bool event_print_template(const Event *event, GError **error) {
    g_autoptr(json_object) object = event_make_object(event);
    g_autofree char *time = dist_format_time(event->usec);

    berth_document_add_string(object, "Time", time);
    berth_document_add_string(object, "Type", "container");
    berth_document_add_string(object, "Status", event->kind);
    berth_document_add_string(object, "Action", event->kind);
    berth_document_add_string(object, "ID", event->id);
    berth_document_add_string(object, "Name", event->id);
    berth_document_add_string(object, "Image", dist_event_filter_get_image(event->kind, event->id));
    berth_document_add_int(object, "ContainerExitCode", event->status);
    g_autofree char *text = dist_template_fill(events_given.format, object, object, error);
    if (text)
        puts(text);
    return text != NULL;
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

static bool event_is_in_time(const Event *event) {
    return event->usec >= events_given.since_usec && event->usec <= events_given.until_usec;
}

static bool event_print(const Event *event, GError **error) {
    if (events_given.format && !g_str_equal(events_given.format, "json"))
        return event_print_template(event, error);
    if (dist_settings.json != DIST_JSON_OFF || events_given.format)
        event_print_json(event);
    else
        event_print_line(event);
    return true;
}

/* Prints an event if it is newer than the last one and is selected. After Subscribe an event may
 * arrive twice, as a signal and in the reply to EventsSince. */
static void take_event(sd_bus_message *message, Events *events) {
    Event event = {.process = "", .status = -1};
    const DistField details[] = {
        {"Process", "s", &event.process}, {"Pid", "u", &event.pid}, {"Status", "i", &event.status},
        {"Time", "t", &event.usec},       {NULL, NULL, NULL},
    };

    if (sd_bus_message_read(message, "tss", &event.sequence, &event.kind, &event.id) <= 0 ||
        dist_dictionary_read(message, details) < 0 || event.sequence <= events->last)
        return;
    events->last = event.sequence;
    if (events->error || !event_is_in_time(&event) ||
        !dist_event_filter_matches(event.kind, event.id))
        return;
    event_print(&event, &events->error);
    fflush(stdout);
}

static int events_on_event(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    (void)error;
    take_event(signal, userdata);
    return 0;
}

/* Prints all events after the last one. A reply has at most 1000, so it asks until there are no
 * more. */
static bool print_past_events(Events *events, GError **error) {
    uint64_t before;

    do {
        before = events->last;
        g_autoptr(sd_bus_message) reply =
            dist_call(error, DIST_CONTAINERS, "EventsSince", "ta{sv}", before, 0);
        if (!reply)
            return false;
        int r = sd_bus_message_enter_container(reply, 'a', "(tssa{sv})");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "tssa{sv}")) > 0) {
            take_event(reply, events);
            r = sd_bus_message_exit_container(reply);
        }
        if (r < 0)
            return dist_bad_reply(r, error);
    } while (events->last != before && !events->error);
    return true;
}

const DistOption dist_events_options[] = {
    {"since", 0, DIST_OPTION_TEXT, &events_given.since,
     N_("Show past events first: since this time, as in systemd.time(7), for 5m, or after the "
        "event "
        "with this number"),
     N_("TIME")},
    {"until", 0, DIST_OPTION_TEXT, &events_given.until,
     N_("Show past events first, and exit at this time"), N_("TIME")},
    {"no-follow", 0, DIST_OPTION_FLAG, &events_given.no_follow,
     N_("Do not wait for further events"), NULL},
    {"stream", 0, DIST_OPTION_FLAG, &events_given.stream, N_("=false: the same"), NULL},
    DIST_OPTION_INCLUDE(dist_event_filter_options),
    {"format", 0, DIST_OPTION_TEXT, &events_given.format,
     N_("Print json, or a template with {{.Name}}"), N_("FORMAT")},
    {"no-trunc", 0, DIST_OPTION_FLAG, NULL, N_("Without effect: nothing is truncated"), NULL},
    DIST_OPTION_END,
};

/* As digits alone, --since is the number of an event and no time: EventsSince has always taken
 * them. A time in seconds since the epoch is written "@1700000000". */
static bool read_times(Events *events, GError **error) {
    const char *since = events_given.since;

    if (since && !g_ascii_string_to_unsigned(since, 10, 0, INT64_MAX, &events->last, NULL) &&
        !dist_parse_time(since, &events_given.since_usec, error))
        return false;
    if (events_given.until && !dist_parse_time(events_given.until, &events_given.until_usec, error))
        return false;
    events_given.no_follow |= !events_given.stream;
    return dist_event_filter_check(error);
}

/* The match precedes Subscribe, and Subscribe precedes EventsSince, so that no event is lost in
 * between. */
static bool events_subscribe(sd_bus *bus, Events *events, GError **error) {
    int r = sd_bus_match_signal(bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Event",
                                events_on_event, events);

    if (r < 0)
        return dist_bad_reply(r, error);
    g_autoptr(sd_bus_message) subscribed =
        dist_call(error, DIST_CONTAINERS, "Subscribe", "a{sv}", 0);
    return subscribed != NULL;
}

/* Until the end that --until sets. An error is that of a template. */
static int events_follow(sd_bus *bus, Events *events) {
    int r = 1;

    while (r >= 0 && !events->error) {
        uint64_t now = (uint64_t)g_get_real_time(), left = UINT64_MAX;
        if (events_given.until_usec <= now)
            return 0;
        if (events_given.until_usec != UINT64_MAX)
            left = events_given.until_usec - now;
        if ((r = sd_bus_process(bus, NULL)) == 0)
            r = sd_bus_wait(bus, left);
    }
    return r;
}

int dist_verb_events(char **argv, GError **error) {
    Events events = {0};

    (void)argv;
    sd_bus *bus = dist_bus(error);
    if (!bus || !read_times(&events, error) ||
        (!events_given.no_follow && !events_subscribe(bus, &events, error)) ||
        ((events_given.since || events_given.until) && !print_past_events(&events, error)))
        return EXIT_FAILURE;
    int r = events_given.no_follow ? 0 : events_follow(bus, &events);
    if (events.error)
        g_propagate_error(error, events.error);
    else if (r < 0)
        dist_bad_reply(r, error);
    return r < 0 || events.error ? EXIT_FAILURE : EXIT_SUCCESS;
}
