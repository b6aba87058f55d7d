/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-screen: reads the terminals that no client is attached to, so that programs that write to
 * them do not block and the last output is available to the next client; it also writes what the
 * service has to write to terminals and bells. There is one process for all terminals of an owner,
 * and only while there are any. Clients share these open file descriptions and can make a call on
 * them block, which holds up the terminals of this owner until the service kills the worker;
 * whatever it has not read when it dies is read by the next one.
 */

#include "base/fd.h"
#include "base/screen.h"
#include "frame/frame.h"

#include <errno.h>
#include <poll.h>

/* How often one terminal is read before the others get their turn. */
enum { MAX_READS = 16 };

typedef struct {
    BerthScreen screen;
    int master;
    sd_event_source *watch;
    sd_bus_message *call; /* answered by Release */
} Terminal;

static GHashTable *terminals; /* token → Terminal */

static void free_terminal(gpointer data) {
    Terminal *terminal = data;

    if (terminal->watch)
        sd_event_source_disable_unref(terminal->watch);
    berth_fd_clear(&terminal->master);
    berth_screen_clear(&terminal->screen);
    sd_bus_message_unref(terminal->call);
    g_free(terminal);
}

/* Returns false if there may be more to read. */
static bool read_some(Terminal *terminal) {
    unsigned reads = 0;

    while (berth_screen_take(&terminal->screen, terminal->master, NULL) == BERTH_SCREEN_MORE)
        if (++reads == MAX_READS)
            return false;
    return true;
}

/* The watch is edge-triggered: a terminal whose other side is closed for a while would be ready all
 * that time. If a screen is busy, another process is reading it. */
static int on_master(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    (void)fd;
    (void)events;
    /* Setting the event mask again reports remaining data. */
    return read_some(userdata) ? 0 : sd_event_source_set_io_events(source, EPOLLIN | EPOLLET);
}

/* Arguments: token, master, screen. Reads until Release is called, and replies then. */
static int method_keep(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    Terminal *terminal = g_new0(Terminal, 1);
    uint64_t token;
    int r;

    (void)userdata;
    (void)error;
    terminal->master = terminal->screen.file = -1;
    if ((r = sd_bus_message_read(call, "t", &token)) < 0 ||
        (r = terminal->master = berth_frame_read_fd(call)) < 0 ||
        (r = terminal->screen.file = berth_frame_read_fd(call)) < 0 ||
        (r = fcntl(terminal->master, F_SETFL, fcntl(terminal->master, F_GETFL) | O_NONBLOCK)) < 0 ||
        (r = sd_event_add_io(berth_frame_get_event(berth_frame_get()), &terminal->watch,
                             terminal->master, EPOLLIN | EPOLLET, on_master, terminal)) < 0) {
        free_terminal(terminal);
        return r;
    }
    terminal->call = sd_bus_message_ref(call);
    g_hash_table_replace(terminals, g_memdup2(&token, sizeof token), terminal);
    return 1;
}

static int method_release(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    uint64_t token;
    int r = sd_bus_message_read(call, "t", &token);

    (void)userdata;
    (void)error;
    if (r < 0)
        return r;
    Terminal *terminal = g_hash_table_lookup(terminals, &token);
    if (terminal) {
        /* Output that has already arrived is put into the ring before the terminal is released. */
        read_some(terminal);
        if ((r = sd_bus_reply_method_return(terminal->call, NULL)) < 0)
            return r;
        g_hash_table_remove(terminals, &token);
    }
    return sd_bus_reply_method_return(call, NULL);
}

/* Uses poll(2) first, since the client that shares the description can clear O_NONBLOCK. */
static int write_once(sd_bus_message *call, int fd, const void *data, size_t size,
                      sd_bus_error *error) {
    struct pollfd one = {.fd = fd, .events = POLLOUT};

    if (poll(&one, 1, 0) <= 0)
        return sd_bus_error_set(error, BERTH_ERROR_PREFIX "Busy",
                                "the terminal accepts no input until pending input is read");
    return write(fd, data, size) < 0 ? -errno : sd_bus_reply_method_return(call, NULL);
}

/* Arguments: master, character. */
static int method_type(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    uint8_t character;
    int master;
    int r = sd_bus_message_read(call, "hy", &master, &character);

    (void)userdata;
    return r < 0 ? r : write_once(call, master, &character, 1, error);
}

/* Argument: bell, an eventfd. */
static int method_ring(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    const uint64_t one = 1;
    int bell;
    int r = sd_bus_message_read(call, "h", &bell);

    (void)userdata;
    return r < 0 ? r : write_once(call, bell, &one, sizeof one, error);
}

static const sd_bus_vtable vtable[] = BERTH_FRAME_VTABLE(BERTH_SCREEN_MEMBERS);

int main(void) {
    terminals = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_terminal);
    return berth_frame_main("screen", vtable);
}
