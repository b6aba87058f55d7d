/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist logs": the service reads the journal for whoever may see the container. The entries of one
 * that has been deleted are in the journal still, for those who may read that. */

#include "client/verbs-logs.h"

#include "client/bus.h"
#include "client/each.h"
#include "client/journal.h"
#include "client/run-values.h"
#include "client/stream.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As "journalctl --follow" shows before it goes on. */
enum { LINES_BEFORE = 10 };

static struct {
    gboolean follow, names;
    char *since, *until;
    gint64 tail;
} logs_given = {.tail = -1};

const DistOption dist_logs_options[] = {
    {"follow", 'f', DIST_OPTION_FLAG, &logs_given.follow, N_("Go on with what comes"), NULL},
    {"tail", 'n', DIST_OPTION_NUMBER, &logs_given.tail, N_("Only so many of the last lines"),
     N_("NUMBER")},
    {"since", 0, DIST_OPTION_TEXT, &logs_given.since,
     N_("From this time on: as systemd.time(7), or 5m for five minutes ago"), N_("TIME")},
    {"until", 0, DIST_OPTION_TEXT, &logs_given.until, N_("Up to this time"), N_("TIME")},
    {"names", 0, DIST_OPTION_FLAG, &logs_given.names, N_("Put the id before each line"), NULL},
    DIST_OPTION_END,
};

/* systemd knows many ways to say a time (systemd.time(7)), and tells what one of them means. */
static bool parse_time(const char *text, uint64_t *usec, GError **error) {
    static const char label[] = "UNIX seconds: @";
    const char *const arguments[] = {"systemd-analyze", "timestamp", "--", text, NULL};
    g_autofree char *output = NULL;
    uint64_t before = 0;
    int status = -1;

    /* As podman and docker have it: so long ago. */
    if (g_ascii_isdigit(text[0]) && g_ascii_isalpha(text[strlen(text) - 1]) &&
        dist_parse_duration("", text, &before, NULL)) {
        *usec = (uint64_t)g_get_real_time() - MIN(before, (uint64_t)g_get_real_time());
        return true;
    }

    if (!g_spawn_sync(NULL, (char **)arguments, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
                      &status, NULL))
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "%s", _("run systemd-analyze"));
    const char *found = status == 0 ? strstr(output, label) : NULL;
    if (!found)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("\"%s\" is not a time"),
                               text);
    *usec = (uint64_t)(g_ascii_strtod(found + strlen(label), NULL) * 1e6);
    return true;
}

static JsonNode *make_value(const char *value, size_t size) {
    JsonNode *node = json_node_new(JSON_NODE_VALUE);

    if (g_utf8_validate(value, (gssize)size, NULL)) {
        json_node_set_string(node, value);
        return node;
    }
    JsonArray *bytes = json_array_new();
    for (size_t i = 0; i < size; i++)
        json_array_add_int_element(bytes, (unsigned char)value[i]);
    json_node_init_array(node, bytes);
    json_array_unref(bytes);
    return node;
}

static void take_field(const char *name, const char *value, size_t size, void *userdata) {
    JsonObject **entry = userdata;

    if (!*entry)
        *entry = json_object_new();
    json_object_set_member(*entry, name, make_value(value, size));
}

static void end_entry(void *userdata) {
    JsonObject **entry = userdata;

    if (!*entry)
        return;
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), *entry);
    g_autofree char *text = json_to_string(node, dist_settings.json == DIST_JSON_PRETTY);
    g_clear_pointer(entry, json_object_unref);
    puts(text);
    fflush(stdout);
}

/* Lines with the id before each. */
static bool print_prefixed(int pipe, const char *id, GError **error) {
    FILE *stream = fdopen(fcntl(pipe, F_DUPFD_CLOEXEC, 3), "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (!stream)
        return berth_error_set_errno(error, errno, "%s", _("read"));
    while ((length = getline(&line, &room, stream)) > 0) {
        printf("%s | ", id);
        fwrite(line, 1, (size_t)length, stdout);
        if (line[length - 1] != '\n')
            putchar('\n');
        fflush(stdout);
    }
    free(line);
    fclose(stream);
    return true;
}

static bool print_logs(int pipe, const char *id, GError **error) {
    JsonObject *entry = NULL;
    const DistJournalReader reader = {take_field, end_entry, &entry};
    uint64_t copied;

    if (logs_given.names && dist_settings.json == DIST_JSON_OFF)
        return print_prefixed(pipe, id, error);
    return dist_settings.json == DIST_JSON_OFF
               ? dist_copy(pipe, STDOUT_FILENO, UINT64_MAX, &copied, error)
               : dist_journal_read_fd(fcntl(pipe, F_DUPFD_CLOEXEC, 3), &reader, error);
}

static sd_bus_message *call_logs(const char *id, uint64_t since, uint64_t until, GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_CONTAINERS, "Logs");
    const uint64_t lines = logs_given.tail >= 0                     ? (uint64_t)logs_given.tail
                           : logs_given.follow && !logs_given.since ? LINES_BEFORE
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
        (dist_settings.json == DIST_JSON_OFF ||
         (r = sd_bus_message_append(call, "{sv}", "Fields", "as", 0)) >= 0) &&
        (r = sd_bus_message_close_container(call)) >= 0)
        return dist_send(call, error);
    sd_bus_message_unref(call);
    dist_bad_reply(r, error);
    return NULL;
}

/* Of a container that the service does not have. */
static int print_journal(const char *id, uint64_t since, uint64_t until, GError **error) {
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(arguments, g_strdup("journalctl"));
    g_ptr_array_add(arguments, g_strdup("--quiet"));
    g_ptr_array_add(arguments,
                    g_strdup(dist_settings.json == DIST_JSON_OFF     ? "--output=export"
                             : dist_settings.json == DIST_JSON_SHORT ? "--output=json"
                                                                     : "--output=json-pretty"));
    if (logs_given.follow)
        g_ptr_array_add(arguments, g_strdup("--follow"));
    g_ptr_array_add(arguments, g_strdup("--no-pager"));
    if (logs_given.since)
        g_ptr_array_add(arguments, g_strdup_printf("--since=@%" G_GUINT64_FORMAT, since / 1000000));
    if (logs_given.until)
        g_ptr_array_add(arguments, g_strdup_printf("--until=@%" G_GUINT64_FORMAT, until / 1000000));
    if (logs_given.tail >= 0)
        g_ptr_array_add(arguments, g_strdup_printf("--lines=%" G_GINT64_FORMAT, logs_given.tail));
    g_ptr_array_add(arguments, g_strdup_printf("_SYSTEMD_UNIT=berth-%s.scope", id));
    g_ptr_array_add(arguments, NULL);
    if (dist_settings.json == DIST_JSON_OFF)
        return dist_journal_print((char **)arguments->pdata, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    execvp("journalctl", (char **)arguments->pdata);
    berth_error_set_errno(error, errno, "%s", _("run journalctl"));
    return EXIT_FAILURE;
}

typedef struct {
    uint64_t since, until;
} LogsTimes;

static bool print_logs_of(const char *id, const void *userdata, GError **error) {
    const LogsTimes *times = userdata;
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply = call_logs(id, times->since, times->until, &local);
    int pipe, r;

    if (!reply && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return print_journal(id, times->since, times->until, error) == EXIT_SUCCESS;
    if (!reply) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if ((r = sd_bus_message_read(reply, "h", &pipe)) < 0)
        return dist_bad_reply(r, error);
    return print_logs(pipe, id, error);
}

int dist_verb_logs(char **argv, GError **error) {
    LogsTimes times = {0, 0};

    if ((logs_given.since && !parse_time(logs_given.since, &times.since, error)) ||
        (logs_given.until && !parse_time(logs_given.until, &times.until, error)))
        return EXIT_FAILURE;
    if (!argv[2])
        return print_logs_of(argv[1], &times, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (logs_given.follow) {
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                        _("--follow is of one container; several can be shown without it"));
        return EXIT_FAILURE;
    }
    logs_given.names = TRUE;
    return dist_for_each(argv + 1, print_logs_of, &times);
}
