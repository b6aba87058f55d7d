/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A terminal is read by its clients, by berth-screen or, for a moment, by nobody:
 *
 *   attached  at least one client is attached; the clients read
 *   grace     the last client has left, or none has come yet; the kernel buffers
 *   kept      berth-screen reads
 *   released  berth-screen was asked to stop reading; clients wait for that (openings)
 *   ended     the process has ended; remaining output is read, but no more is expected
 *
 * A client with exclusive access is the holder of the terminal. Its name is kept with systemd in a
 * separate file of the service, because the screen is writable by clients. The process owns the
 * terminal (terminals.c).
 */

#include "containers/parts/terminal.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/screen.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>

/* A client that starts a command usually attaches right after, and one that has lost its connection
 * comes back. Starting a worker for such a short time is not worth it; the kernel buffers a few
 * kilobytes meanwhile. */
#define GRACE_USEC (G_USEC_PER_SEC / 2)

typedef struct {
    BerthAttached done;
    void *userdata;
} Opening;

struct BerthTerminal {
    BerthTerminalService service;
    char *name; /* of its process, in the descriptor store */
    uint32_t owner;
    int master, screen;
    int bell;            /* written after something was put on the screen */
    char *holder;        /* the client with exclusive access, or NULL */
    GHashTable *clients; /* the unique names of attached clients */
    uint64_t kept;       /* its token with berth-screen, or 0 */
    GArray *openings;    /* clients that wait until berth-screen has released it */
    sd_event_source *grace;
    sd_bus_slot *asked; /* a query to the bus whether the holder still exists */
    bool ended;
};

char *berth_terminal_make_name(const char *process_name) {
    return g_strconcat("tty-", process_name, NULL);
}

char *berth_terminal_make_screen_name(const char *process_name) {
    return g_strconcat("screen-", process_name, NULL);
}

char *berth_terminal_make_holder_name(const char *process_name) {
    return g_strconcat("holder-", process_name, NULL);
}

enum { MAX_HOLDER_BYTES = 255 };

/* The name is also removed from systemd's store, so that the next instance of the service does not
 * wait for a client that is gone. */
static void forget_holder(BerthTerminal *terminal) {
    g_autofree char *name = berth_terminal_make_holder_name(terminal->name);

    if (!terminal->holder)
        return;
    g_clear_pointer(&terminal->holder, g_free);
    berth_fd_store_remove(name);
}

/* The file is in memory. The next instance of the service reads the duplicate that systemd
 * keeps. */
static bool keep_holder(BerthTerminal *terminal, const char *client, GError **error) {
    g_autofree char *name = berth_terminal_make_holder_name(terminal->name);

    forget_holder(terminal);
    berth_autofd int file = berth_fd_new_in_memory(client, strlen(client), error);
    if (file < 0 || !berth_fd_store_put(name, file, error))
        return false;
    terminal->holder = g_strdup(client);
    return true;
}

static char *read_holder(int file) {
    size_t size;

    return file < 0 ? NULL : berth_fd_read_whole(file, MAX_HOLDER_BYTES, &size, NULL);
}

static void log_terminal_error(const BerthTerminal *terminal, const GError *error) {
    berth_log_warning(NULL, NULL, "Terminal of %s: %s", terminal->name, error->message);
}

static void terminal_on_released(const GError *error, void *userdata);

static int on_grace(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthTerminal *terminal = userdata;
    g_autoptr(GError) error = NULL;

    (void)source;
    (void)usec;
    terminal->grace = sd_event_source_disable_unref(terminal->grace);
    forget_holder(terminal);
    /* A new open file description, whose locks are independent of those of others. */
    berth_autofd int screen = berth_screen_reopen(terminal->screen);
    if (screen >= 0)
        terminal->kept =
            berth_screens_keep(terminal->service.screens, terminal->owner, terminal->master, screen,
                               terminal_on_released, terminal, &error);
    else
        berth_error_set_errno(&error, errno, "open the screen");
    if (error)
        log_terminal_error(terminal, error);
    return 0;
}

/* Schedules the hand-over to berth-screen, if no client is attached or might still be. */
static void keep_if_alone(BerthTerminal *terminal) {
    if (terminal->ended || terminal->kept || terminal->grace || terminal->asked ||
        g_hash_table_size(terminal->clients) > 0 || terminal->openings->len > 0)
        return;
    if (sd_event_add_time_relative(terminal->service.event, &terminal->grace, CLOCK_MONOTONIC,
                                   GRACE_USEC, 0, on_grace, terminal) < 0)
        g_error("out of memory");
}

static void give_attachment(BerthTerminal *terminal, const Opening *opening) {
    g_autoptr(GError) error = NULL;
    berth_autofd int screen = berth_screen_reopen(terminal->screen);

    if (screen < 0)
        berth_error_set_errno(&error, errno, "open the screen");
    const BerthAttachment attachment = {terminal->master, screen, terminal->bell};
    opening->done(error ? NULL : &attachment, error, opening->userdata);
}

static void answer_openings(BerthTerminal *terminal) {
    g_autoptr(GArray) openings = terminal->openings;

    terminal->openings = g_array_new(FALSE, FALSE, sizeof(Opening));
    for (guint i = 0; i < openings->len; i++)
        give_attachment(terminal, &g_array_index(openings, Opening, i));
}

/* berth-screen has stopped reading the terminal. The clients that have waited for this read it from
 * now on. */
static void terminal_on_released(const GError *error, void *userdata) {
    BerthTerminal *terminal = userdata;

    if (error)
        log_terminal_error(terminal, error);
    /* Even after an error: a worker that has died does not read either. */
    terminal->kept = 0;
    answer_openings(terminal);
    keep_if_alone(terminal);
}

static int on_holder(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
    BerthTerminal *terminal = userdata;

    (void)ret_error;
    terminal->asked = sd_bus_slot_unref(terminal->asked);
    /* A unique name has an owner as long as its client is connected. */
    if (!sd_bus_message_is_method_error(reply, NULL)) {
        g_hash_table_add(terminal->clients, g_strdup(terminal->holder));
        return 0;
    }
    keep_if_alone(terminal);
    return 0;
}

/* After a restart of the service, a holder that is still connected keeps reading. */
static bool ask_for_holder(BerthTerminal *terminal) {
    return terminal->holder &&
           sd_bus_call_method_async(terminal->service.bus, &terminal->asked, "org.freedesktop.DBus",
                                    "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
                                    on_holder, terminal, "s", terminal->holder) >= 0;
}

static bool keep_with_systemd(const BerthTerminal *terminal, GError **error) {
    g_autofree char *name = berth_terminal_make_name(terminal->name);
    g_autofree char *screen_name = berth_terminal_make_screen_name(terminal->name);

    return berth_fd_store_put(name, terminal->master, error) &&
           berth_fd_store_put(screen_name, terminal->screen, error);
}

BerthTerminal *berth_terminal_new(const BerthTerminalService *service, const char *process_name,
                                  uint32_t owner, const BerthTerminalFiles *files) {
    BerthTerminal *terminal = g_new0(BerthTerminal, 1);
    berth_autofd int holder = files->holder;
    g_autoptr(GError) error = NULL;
    bool is_new = files->screen < 0;

    terminal->service = *service;
    terminal->name = g_strdup(process_name);
    terminal->owner = owner;
    terminal->holder = read_holder(holder);
    terminal->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    terminal->openings = g_array_new(FALSE, FALSE, sizeof(Opening));
    terminal->master = files->master;
    terminal->screen = is_new ? berth_screen_new(&error) : files->screen;
    /* Created non-blocking; but clients share the file description and can change that, so berthd
     * never writes to it itself (screens.h). */
    terminal->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    /* All clients share one file description, and a read that finds nothing must not block. */
    fcntl(terminal->master, F_SETFL, fcntl(terminal->master, F_GETFL) | O_NONBLOCK);
    /* A recovered terminal with a holder waits for the bus's answer before anyone else reads: each
     * byte from the master reaches one reader only. */
    if (terminal->screen < 0 || (is_new && !keep_with_systemd(terminal, &error)))
        log_terminal_error(terminal, error);
    else if (is_new || !ask_for_holder(terminal))
        keep_if_alone(terminal);
    return terminal;
}

int berth_terminal_get_master(const BerthTerminal *terminal) {
    return terminal->master;
}

void berth_terminal_free(BerthTerminal *terminal) {
    if (!terminal)
        return;
    terminal->ended = true;
    if (terminal->kept)
        berth_screens_forget(terminal->service.screens, terminal->kept);
    answer_openings(terminal);
    if (terminal->grace)
        sd_event_source_disable_unref(terminal->grace);
    sd_bus_slot_unref(terminal->asked);
    g_hash_table_unref(terminal->clients);
    g_array_unref(terminal->openings);
    berth_fd_clear(&terminal->master);
    berth_fd_clear(&terminal->screen);
    berth_fd_clear(&terminal->bell);
    g_free(terminal->holder);
    g_free(terminal->name);
    g_free(terminal);
}

void berth_terminal_drop(BerthTerminal *terminal) {
    if (!terminal)
        return;
    g_autofree char *name = berth_terminal_make_name(terminal->name);
    g_autofree char *screen_name = berth_terminal_make_screen_name(terminal->name);

    forget_holder(terminal);
    berth_terminal_free(terminal);
    berth_fd_store_remove(name);
    berth_fd_store_remove(screen_name);
}

void berth_terminal_set_ended(BerthTerminal *terminal) {
    if (!terminal)
        return;
    terminal->ended = true;
    if (terminal->grace)
        terminal->grace = sd_event_source_disable_unref(terminal->grace);
    if (terminal->kept)
        berth_screens_release(terminal->service.screens, terminal->kept);
}

void berth_terminal_attach(BerthTerminal *terminal, const char *client, bool alone,
                           BerthAttached done, void *userdata) {
    const Opening opening = {done, userdata};
    g_autoptr(GError) error = NULL;

    if (alone && !keep_holder(terminal, client, &error)) {
        done(NULL, error, userdata);
        return;
    }
    g_hash_table_add(terminal->clients, g_strdup(client));
    if (terminal->grace)
        terminal->grace = sd_event_source_disable_unref(terminal->grace);
    if (!terminal->kept) {
        give_attachment(terminal, &opening);
        return;
    }
    g_array_append_val(terminal->openings, opening);
    /* One release for all clients that wait. */
    if (terminal->openings->len == 1)
        berth_screens_release(terminal->service.screens, terminal->kept);
}

void berth_terminal_detach(BerthTerminal *terminal, const char *client) {
    if (!g_hash_table_remove(terminal->clients, client))
        return;
    /* The client may have disconnected after its last read, but before it rang the bell. */
    if (g_hash_table_size(terminal->clients) > 0)
        berth_screens_ring(terminal->service.screens, terminal->owner, terminal->bell);
    keep_if_alone(terminal);
}
