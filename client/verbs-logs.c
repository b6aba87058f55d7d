/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist logs: the service reads the journal for callers that may see the container, and returns a
 * pipe. The entries of a deleted container are still in the journal, and are read directly with
 * journalctl; for that, the caller must be allowed to read the journal.
 */

#include "client/verbs-logs.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/container-choice.h"
#include "client/each.h"
#include "client/format.h"
#include "client/journal.h"
#include "client/log-lines.h"
#include "client/run-values.h"
#include "client/stream.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As many lines as "journalctl --follow" shows first. */
enum { LINES_BEFORE = 10 };

/* A negative number, "all", shows all lines. */
#define LOGS_TAIL_NOT_GIVEN G_MININT64

static struct {
    gboolean follow, names, timestamps;
    char *since, *until;
    gint64 tail;
} logs_given = {.tail = LOGS_TAIL_NOT_GIVEN};

static const char *const logs_all[] = {"all", NULL};

const DistOption dist_logs_options[] = {
    {"follow", 'f', DIST_OPTION_FLAG, &logs_given.follow, N_("Follow new records"), NULL},
    {"tail", 'n', DIST_OPTION_NUMBER, &logs_given.tail, N_("Show only this many of the last lines"),
     N_("NUMBER"), .choices = logs_all},
    DIST_OPTION_INCLUDE(dist_choice_latest_options),
    {"since", 0, DIST_OPTION_TEXT, &logs_given.since,
     N_("Show lines since this time, as in systemd.time(7), or 5m for five minutes ago"),
     N_("TIME")},
    {"until", 0, DIST_OPTION_TEXT, &logs_given.until, N_("Show lines until this time"), N_("TIME")},
    {"names", 0, DIST_OPTION_FLAG, &logs_given.names, N_("Prefix each line with the ID"), NULL},
    {"timestamps", 't', DIST_OPTION_FLAG, &logs_given.timestamps,
     N_("Prefix each line with the time"), NULL},
    DIST_OPTION_END,
};

/* As in journalctl --output=json: a value that is not UTF-8 becomes an array of bytes. */
static json_object *make_value(const char *value, size_t size) {
    if (g_utf8_validate(value, (gssize)size, NULL))
        return json_object_new_string(value);
    json_object *bytes = json_object_new_array();
    for (size_t i = 0; i < size; i++)
        json_object_array_add(bytes, json_object_new_int((unsigned char)value[i]));
    return bytes;
}

static void take_field(const char *name, const char *value, size_t size, void *userdata) {
    json_object **entry = userdata;

    if (!*entry)
        *entry = json_object_new_object();
    json_object_object_add(*entry, name, make_value(value, size));
}

static void end_entry(void *userdata) {
    json_object **entry = userdata;

    if (!*entry)
        return;
    g_autofree char *text = dist_format_value(*entry, dist_settings.json == DIST_JSON_PRETTY);
    g_clear_pointer(entry, json_object_put);
    puts(text);
    fflush(stdout);
}

/* Whether entries with their fields are needed instead of messages alone. */
static bool wants_entries(void) {
    return logs_given.names || logs_given.timestamps || dist_settings.json != DIST_JSON_OFF;
}

typedef bool (*ReadEntries)(const DistJournalReader *reader, const void *userdata, GError **error);

static bool print_entries(ReadEntries read, const void *userdata, const char *id, GError **error) {
    json_object *entry = NULL;
    DistLogLines lines = {
        .prefix = logs_given.names ? id : NULL,
        .timestamps = logs_given.timestamps,
    };
    const DistJournalReader reader = dist_settings.json == DIST_JSON_OFF
                                         ? dist_log_lines_reader(&lines)
                                         : (DistJournalReader){take_field, end_entry, &entry};

    return read(&reader, userdata, error);
}

static bool read_pipe(const DistJournalReader *reader, const void *userdata, GError **error) {
    return dist_journal_read_fd(*(const int *)userdata, reader, error);
}

static bool read_journal(const DistJournalReader *reader, const void *userdata, GError **error) {
    return dist_journal_read((char *const *)userdata, reader, error);
}

/* Prints until the end of the pipe and closes it. */
static bool print_pipe(int pipe, const char *id, GError **error) {
    uint64_t copied;

    if (wants_entries())
        return print_entries(read_pipe, &pipe, id, error);
    berth_autofd int input = pipe;
    return dist_copy(input, STDOUT_FILENO, UINT64_MAX, &copied, error);
}

/* With fewer fields, less has to be read from the journal: text output needs the message and how
 * its line ended. For JSON, an empty list requests all fields. */
static int append_fields(sd_bus_message *call) {
    if (dist_settings.json != DIST_JSON_OFF)
        return sd_bus_message_append(call, "{sv}", "Fields", "as", 0);
    return sd_bus_message_append(call, "{sv}", "Fields", "as", 2, "MESSAGE", "_LINE_BREAK");
}

/* Lines is how many lines before the end to begin with. */
static sd_bus_message *call_logs(const char *id, uint64_t since, uint64_t until, GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_CONTAINERS, "Logs");
    bool is_given = logs_given.tail != LOGS_TAIL_NOT_GIVEN;
    const uint64_t lines = logs_given.tail >= 0 ? (uint64_t)logs_given.tail
                           : !is_given && logs_given.follow && !logs_given.since ? LINES_BEFORE
                                                                                 : UINT64_MAX;
    int r;

    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "s", id)) >= 0 &&
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) >= 0 &&
        (r = sd_bus_message_append(call, "{sv}{sv}{sv}", "Follow", "b", (int)logs_given.follow,
                                   "Since", "t", since, "Lines", "t", lines)) >= 0 &&
        (!logs_given.until ||
         (r = sd_bus_message_append(call, "{sv}", "Until", "t", until)) >= 0) &&
        (!wants_entries() || (r = append_fields(call)) >= 0) &&
        (r = sd_bus_message_close_container(call)) >= 0)
        return dist_send(call, error);
    sd_bus_message_unref(call);
    dist_bad_reply(r, error);
    return NULL;
}

typedef struct {
    uint64_t since, until;
} LogsTimes;

/* Prints the entries of a container that the service does not know, with journalctl. */
static bool print_journal(const char *id, const LogsTimes *times, GError **error) {
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);

    if (!dist_journal_knows(id))
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               _("there is no container %s, and the journal has no lines from "
                                 "it"),
                               id);
    g_ptr_array_add(arguments, g_strdup("journalctl"));
    g_ptr_array_add(arguments, g_strdup("--quiet"));
    g_ptr_array_add(arguments, g_strdup("--output=export"));
    g_ptr_array_add(arguments, g_strdup("--no-pager"));
    if (logs_given.follow)
        g_ptr_array_add(arguments, g_strdup("--follow"));
    if (logs_given.since)
        g_ptr_array_add(arguments,
                        g_strdup_printf("--since=@%" G_GUINT64_FORMAT, times->since / 1000000));
    if (logs_given.until)
        g_ptr_array_add(arguments,
                        g_strdup_printf("--until=@%" G_GUINT64_FORMAT, times->until / 1000000));
    if (logs_given.tail >= 0)
        g_ptr_array_add(arguments, g_strdup_printf("--lines=%" G_GINT64_FORMAT, logs_given.tail));
    g_ptr_array_add(arguments, g_strdup_printf("_SYSTEMD_UNIT=berth-%s.scope", id));
    g_ptr_array_add(arguments, NULL);
    return print_entries(read_journal, arguments->pdata, id, error);
}

/* The reading end, which the caller owns; -1 with error. */
static int open_logs(const char *id, const LogsTimes *times, GError **error) {
    g_autoptr(sd_bus_message) reply = call_logs(id, times->since, times->until, error);
    int pipe, r;

    if (!reply)
        return -1;
    if ((r = sd_bus_message_read(reply, "h", &pipe)) < 0 ||
        (r = pipe = fcntl(pipe, F_DUPFD_CLOEXEC, 3)) < 0) {
        dist_bad_reply(r, error);
        return -1;
    }
    return pipe;
}

/* NotFound: the container may have been deleted. Its lines may still be in the journal, which has
 * its own rules about who may read it. */
static bool print_logs_of(const char *id, const void *userdata, GError **error) {
    const LogsTimes *times = userdata;
    g_autoptr(GError) local = NULL;
    int pipe = open_logs(id, times, &local);

    if (pipe < 0 && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return print_journal(id, times, error);
    if (pipe < 0) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    return print_pipe(pipe, id, error);
}

/* One of several containers that are followed at once, each in its own thread. */
typedef struct {
    const char *id;
    int pipe;
    GThread *thread; /* NULL if its logs cannot be read */
    GError *error;
} LogsFollower;

static void *follow_one(void *userdata) {
    LogsFollower *follower = userdata;

    print_pipe(follower->pipe, follower->id, &follower->error);
    return NULL;
}

/* One thread each, since a pipe is read to its end. The pipes are opened first, in this thread,
 * because only one thread may use the bus connection. */
static int follow_several(char *const *ids, const LogsTimes *times) {
    const size_t count = g_strv_length((char **)ids);
    g_autofree LogsFollower *followers = g_new0(LogsFollower, count);
    int status = EXIT_SUCCESS;

    for (size_t i = 0; i < count; i++) {
        g_autoptr(GError) error = NULL;
        followers[i].id = ids[i];
        followers[i].pipe = open_logs(ids[i], times, &error);
        if (followers[i].pipe >= 0) {
            followers[i].thread = g_thread_new("follow", follow_one, &followers[i]);
            continue;
        }
        dist_print_error(error);
        status = EXIT_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        if (followers[i].thread)
            g_thread_join(followers[i].thread);
        if (!followers[i].error)
            continue;
        dist_print_error(followers[i].error);
        g_clear_error(&followers[i].error);
        status = EXIT_FAILURE;
    }
    return status;
}

int dist_verb_logs(char **argv, GError **error) {
    LogsTimes times = {0, 0};

    if ((logs_given.since && !dist_parse_time(logs_given.since, &times.since, error)) ||
        (logs_given.until && !dist_parse_time(logs_given.until, &times.until, error)))
        return EXIT_FAILURE;
    g_auto(GStrv) ids = dist_choice_list(argv[0], argv + 1, NULL, error);
    if (!ids)
        return EXIT_FAILURE;
    if (!ids[1])
        return print_logs_of(ids[0], &times, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    logs_given.names = TRUE;
    return logs_given.follow ? follow_several(ids, &times)
                             : dist_for_each(ids, print_logs_of, &times);
}
