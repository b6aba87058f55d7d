/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for a transfer: bars on a terminal, a line for each finished object otherwise. */

#include "client/progress.h"

#include "client/bus.h"
#include "client/format.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <systemd/sd-event.h>
#include <unistd.h>

enum { BAR_WIDTH = 24, SHORT_DIGEST = 19 };

/* The phases of an item, as the service names them. */
static const char *const phases[] G_GNUC_UNUSED = {
    N_("waiting"), N_("fetching"), N_("unpacking"), N_("done"),    N_("exists"),
    N_("pushing"), N_("mounted"),  N_("reading"),   N_("writing"), N_("checking"),
};

typedef struct {
    sd_bus *bus;
    sd_event *event;
    const char *path;
    bool is_terminal;
    int lines;            /* that were drawn last */
    GHashTable *reported; /* objects that were told to be done */
    sd_bus_message *reply;
    bool cancelled;
} Waiting;

static void draw_bar(const char *object, const char *phase, uint64_t done, uint64_t total) {
    g_autofree char *size = dist_format_size(total);
    int filled = total > 0 ? (int)(done * BAR_WIDTH / total) : 0;
    char bar[BAR_WIDTH + 1];

    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', (size_t)MIN(filled, BAR_WIDTH));
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\033[K%.*s  %-9s [%s] %3d %%  %s\n", SHORT_DIGEST, object, _(phase), bar,
            total > 0 ? (int)(done * 100 / total) : 100, size);
}

static void tell_once(Waiting *waiting, const char *object, const char *phase, uint64_t total) {
    bool is_done =
        g_str_equal(phase, "done") || g_str_equal(phase, "exists") || g_str_equal(phase, "mounted");
    g_autofree char *size = dist_format_size(total);

    if (is_done && g_hash_table_add(waiting->reported, g_strdup(object)))
        fprintf(stderr, "%s  %s  %s\n", object, _(phase), size);
}

static int terminal_rows(void) {
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 4 ? size.ws_row - 2 : 20;
}

static int progress_on_signal(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    Waiting *waiting = userdata;
    const char *object, *phase;
    uint64_t done, total;
    int lines = 0, rows = terminal_rows();

    (void)error;
    if (sd_bus_message_read(signal, "tt", &done, &total) < 0 ||
        sd_bus_message_enter_container(signal, 'a', "(sstt)") < 0)
        return 0;
    if (waiting->is_terminal && waiting->lines > 0)
        fprintf(stderr, "\033[%dA", waiting->lines);
    while (sd_bus_message_read(signal, "(sstt)", &object, &phase, &done, &total) > 0) {
        if (!waiting->is_terminal)
            tell_once(waiting, object, phase, total);
        else if (lines < rows)
            draw_bar(object, phase, done, total), lines++;
    }
    waiting->lines = lines;
    return 0;
}

static int progress_on_finished(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Waiting *waiting = userdata;

    (void)error;
    waiting->reply = sd_bus_message_ref(reply);
    return sd_event_exit(waiting->event, 0);
}

/* The first asks; whoever insists leaves at once. */
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

static int progress_start(Waiting *waiting) {
    sigset_t signals;
    int r;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if ((r = sd_event_default(&waiting->event)) < 0 ||
        (r = sd_event_add_signal(waiting->event, NULL, SIGINT, progress_on_interrupt, waiting)) <
            0 ||
        (r = sd_event_add_signal(waiting->event, NULL, SIGTERM, progress_on_interrupt, waiting)) <
            0 ||
        (r = sd_bus_attach_event(waiting->bus, waiting->event, 0)) < 0 ||
        (!dist_settings.quiet &&
         (r = sd_bus_match_signal_async(waiting->bus, NULL, NULL, waiting->path,
                                        "org.berth1.Transfer", "Progress", progress_on_signal, NULL,
                                        waiting)) < 0))
        return r;
    return sd_bus_call_method_async(waiting->bus, NULL, DIST_DESTINATION, waiting->path,
                                    "org.berth1.Transfer", "Wait", progress_on_finished, waiting,
                                    "a{sv}", 0);
}

void dist_result_clear(DistResult *result) {
    g_clear_pointer(&result->name, g_free);
    g_clear_pointer(&result->digest, g_free);
    g_clear_pointer(&result->names, g_strfreev);
    g_clear_pointer(&result->damaged, g_strfreev);
}

static int read_strings(sd_bus_message *reply, char ***strings) {
    int r = sd_bus_message_enter_container(reply, 'v', "as");

    if (r < 0 || (r = sd_bus_message_read_strv(reply, strings)) < 0)
        return r;
    return sd_bus_message_exit_container(reply);
}

static int progress_read_entry(sd_bus_message *reply, DistResult *result) {
    const char *key, *media_type, *text = NULL;
    g_auto(GStrv) warnings = NULL;
    uint64_t size;
    int r = sd_bus_message_read(reply, "s", &key);

    if (r < 0)
        return r;
    if (g_str_equal(key, "Name")) {
        if ((r = sd_bus_message_read(reply, "v", "s", &text)) >= 0)
            result->name = g_strdup(text);
    } else if (g_str_equal(key, "Target")) {
        if ((r = sd_bus_message_read(reply, "v", "(sst)", &media_type, &text, &size)) >= 0)
            result->digest = g_strdup(text);
    } else if (g_str_equal(key, "Names")) {
        r = read_strings(reply, &result->names);
    } else if (g_str_equal(key, "Damaged")) {
        r = read_strings(reply, &result->damaged);
    } else if (g_str_equal(key, "Warnings")) {
        r = read_strings(reply, &warnings);
        for (char **warning = warnings; warning && *warning; warning++) {
            g_autofree char *plain = dist_format_text(*warning, "");
            fprintf(stderr, _("dist: the registry warns: %s\n"), plain);
        }
    } else {
        r = sd_bus_message_skip(reply, "v");
    }
    return r;
}

static bool progress_read_result(sd_bus_message *reply, DistResult *result, GError **error) {
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = progress_read_entry(reply, result);
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return r >= 0 || dist_bad_reply(r, error);
}

static bool wait_transfer(const char *path, DistResult *result, GError **error) {
    Waiting waiting = {
        .bus = dist_bus(error),
        .path = path,
        .is_terminal = isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0,
        .reported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    int r = progress_start(&waiting);

    if (r >= 0)
        r = sd_event_loop(waiting.event);
    sd_bus_detach_event(waiting.bus);
    g_clear_pointer(&waiting.event, sd_event_unref);
    g_hash_table_unref(waiting.reported);
    g_autoptr(sd_bus_message) reply = waiting.reply;
    if (r < 0)
        return berth_error_set_errno(error, r, "%s", _("wait for the transfer"));
    if (!reply)
        return berth_error_set(error, BERTH_ERROR_CANCELLED, "%s",
                               _("interrupted; the transfer may go on"));
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
