/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A client that reads the terminal alone is its holder: its name is kept with systemd in a
 * file of the service's own, since the screen is the clients' to write. */

#include "containers/terminal.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/screen.h"
#include "containers/container-private.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>

/* Who starts a command attaches next, and who has lost his connection comes back: a worker for so
 * short a time is not worth its start. The kernel keeps some kilobytes meanwhile. */
#define GRACE_USEC (G_USEC_PER_SEC / 2)

typedef struct {
    BerthAttached done;
    void *userdata;
} Opening;

struct BerthTerminal {
    BerthContainers *containers;
    char *name; /* of its process */
    uint32_t owner;
    int master, screen;
    int bell;            /* rung by who has put something on the screen */
    char *holder;        /* the client that reads it alone, or NULL */
    GHashTable *clients; /* unique names of those who are attached */
    uint64_t kept;       /* what berth-screen has it as, or 0 */
    GArray *openings;    /* of those who wait until berth-screen has let it go */
    sd_event_source *grace;
    sd_bus_slot *asked; /* whether its holder is still on the bus */
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

static void forget_holder(BerthTerminal *terminal) {
    g_autofree char *name = berth_terminal_make_holder_name(terminal->name);

    if (!terminal->holder)
        return;
    g_clear_pointer(&terminal->holder, g_free);
    berth_fd_store_remove(name);
}

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

static void warn(const BerthTerminal *terminal, const GError *error) {
    berth_log_warning(NULL, NULL, "The terminal of %s: %s", terminal->name, error->message);
}

static void on_released(const GError *error, void *userdata);

static int on_grace(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthTerminal *terminal = userdata;
    g_autoptr(GError) error = NULL;

    (void)source;
    (void)usec;
    terminal->grace = sd_event_source_disable_unref(terminal->grace);
    forget_holder(terminal);
    /* A description of its own: its locks are apart from those of others. */
    berth_autofd int screen = berth_screen_reopen(terminal->screen);
    if (screen >= 0)
        terminal->kept =
            berth_screens_keep(terminal->containers->screens, terminal->owner, terminal->master,
                               screen, on_released, terminal, &error);
    else
        berth_error_set_errno(&error, errno, "open the screen");
    if (error)
        warn(terminal, error);
    return 0;
}

/* Once nobody is attached. */
static void leave_alone(BerthTerminal *terminal) {
    if (terminal->ended || terminal->kept || terminal->grace || terminal->asked ||
        g_hash_table_size(terminal->clients) > 0 || terminal->openings->len > 0)
        return;
    if (sd_event_add_time_relative(terminal->containers->event, &terminal->grace, CLOCK_MONOTONIC,
                                   GRACE_USEC, 0, on_grace, terminal) < 0)
        g_error("out of memory");
}

static void give(BerthTerminal *terminal, const Opening *opening) {
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
        give(terminal, &g_array_index(openings, Opening, i));
}

static void on_released(const GError *error, void *userdata) {
    BerthTerminal *terminal = userdata;

    if (error)
        warn(terminal, error);
    terminal->kept = 0;
    answer_openings(terminal);
    leave_alone(terminal);
}

static int on_holder(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
    BerthTerminal *terminal = userdata;

    (void)ret_error;
    terminal->asked = sd_bus_slot_unref(terminal->asked);
    if (!sd_bus_message_is_method_error(reply, NULL)) {
        g_hash_table_add(terminal->clients, g_strdup(terminal->holder));
        return 0;
    }
    leave_alone(terminal);
    return 0;
}

/* After the service was away: a client that reads it alone goes on to, if it is still there. */
static bool ask_for_holder(BerthTerminal *terminal) {
    return terminal->holder &&
           sd_bus_call_method_async(terminal->containers->bus, &terminal->asked,
                                    "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                    "org.freedesktop.DBus", "GetNameOwner", on_holder, terminal,
                                    "s", terminal->holder) >= 0;
}

static bool keep_with_systemd(const BerthTerminal *terminal, GError **error) {
    g_autofree char *name = berth_terminal_make_name(terminal->name);
    g_autofree char *screen_name = berth_terminal_make_screen_name(terminal->name);

    return berth_fd_store_put(name, terminal->master, error) &&
           berth_fd_store_put(screen_name, terminal->screen, error);
}

BerthTerminal *berth_terminal_new(BerthContainers *containers, const char *process_name,
                                  uint32_t owner, const BerthTerminalFiles *files) {
    BerthTerminal *terminal = g_new0(BerthTerminal, 1);
    berth_autofd int holder = files->holder;
    g_autoptr(GError) error = NULL;
    bool is_new = files->screen < 0;

    terminal->containers = containers;
    terminal->name = g_strdup(process_name);
    terminal->owner = owner;
    terminal->holder = read_holder(holder);
    terminal->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    terminal->openings = g_array_new(FALSE, FALSE, sizeof(Opening));
    terminal->master = files->master;
    terminal->screen = is_new ? berth_screen_new(&error) : files->screen;
    terminal->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    /* One description for all clients: those that find nothing to read should not wait. */
    fcntl(terminal->master, F_SETFL, fcntl(terminal->master, F_GETFL) | O_NONBLOCK);
    g_ptr_array_add(containers->terminals, terminal);
    if (terminal->screen < 0 || (is_new && !keep_with_systemd(terminal, &error)))
        warn(terminal, error);
    else if (is_new || !ask_for_holder(terminal))
        leave_alone(terminal);
    return terminal;
}

void berth_terminal_free(BerthTerminal *terminal) {
    if (!terminal)
        return;
    terminal->ended = true;
    if (terminal->kept)
        berth_screens_forget(terminal->containers->screens, terminal->kept);
    answer_openings(terminal);
    g_ptr_array_remove_fast(terminal->containers->terminals, terminal);
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
        berth_screens_release(terminal->containers->screens, terminal->kept);
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
        give(terminal, &opening);
        return;
    }
    g_array_append_val(terminal->openings, opening);
    if (terminal->openings->len == 1)
        berth_screens_release(terminal->containers->screens, terminal->kept);
}

void berth_terminal_detach(BerthTerminal *terminal, const char *client) {
    if (!g_hash_table_remove(terminal->clients, client))
        return;
    /* What it read last it may not have told of. */
    if (g_hash_table_size(terminal->clients) > 0)
        berth_screens_ring(terminal->containers->screens, terminal->owner, terminal->bell);
    leave_alone(terminal);
}

/* One who attaches to a container that is only being started, as who waits for its end may. */
typedef struct {
    char *client;
    bool alone;
    Opening opening;
} Attaching;

static void free_attaching(gpointer data) {
    Attaching *attaching = data;

    g_free(attaching->client);
    g_free(attaching);
}

GPtrArray *berth_process_new_attaching(void) {
    return g_ptr_array_new_with_free_func(free_attaching);
}

void berth_process_answer_attaching(BerthProcess *process, const GError *error) {
    g_autoptr(GPtrArray) all = g_steal_pointer(&process->attaching);

    process->attaching = berth_process_new_attaching();
    for (guint i = 0; i < all->len; i++) {
        const Attaching *attaching = all->pdata[i];
        if (error)
            attaching->opening.done(NULL, error, attaching->opening.userdata);
        else
            berth_terminal_attach(process->terminal, attaching->client, attaching->alone,
                                  attaching->opening.done, attaching->opening.userdata);
    }
}

static bool will_have_terminal(const BerthProcess *process) {
    const BerthContainerRecord *record = &process->container->record;

    return berth_process_is_first(process) && !process->terminal && record->terminal &&
           (process->launch || record->state == BERTH_CONTAINER_CREATED);
}

static void attach_later(BerthProcess *process, const char *client, bool alone, BerthAttached done,
                         void *userdata) {
    Attaching *attaching = g_new0(Attaching, 1);

    *attaching = (Attaching){g_strdup(client), alone, {done, userdata}};
    g_ptr_array_add(process->attaching, attaching);
}

static void forget_attaching(BerthProcess *process, const char *client) {
    g_autoptr(GError) error = NULL;

    for (guint i = process->attaching->len; i-- > 0;) {
        const Attaching *attaching = process->attaching->pdata[i];
        if (!g_str_equal(attaching->client, client))
            continue;
        if (!error)
            berth_error_set(&error, BERTH_ERROR_CANCELLED, "the caller has left");
        attaching->opening.done(NULL, error, attaching->opening.userdata);
        g_ptr_array_remove_index(process->attaching, i);
    }
}

void berth_containers_forget_client(BerthContainers *containers, const char *client) {
    GHashTableIter iterator;
    gpointer value;

    for (guint i = 0; i < containers->terminals->len; i++)
        berth_terminal_detach(containers->terminals->pdata[i], client);
    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        forget_attaching(((BerthContainer *)value)->first, client);
}

static BerthTerminal *find(BerthContainer *container, const char *id, GError **error) {
    BerthProcess *process = berth_container_find_process(container, id, error);

    if (!process)
        return NULL;
    if (process->terminal)
        return process->terminal;
    berth_error_set(
        error, BERTH_ERROR_FAILED_PRECONDITION, "%s%s%s of container \"%s\" has no terminal",
        id[0] ? "process \"" : "the command", id, id[0] ? "\"" : "", container->record.id);
    return NULL;
}

void berth_container_attach(BerthContainer *container, const char *process, const char *client,
                            bool alone, BerthAttached done, void *userdata) {
    g_autoptr(GError) error = NULL;
    BerthProcess *found = berth_container_find_process(container, process, NULL);

    if (found && will_have_terminal(found)) {
        attach_later(found, client, alone, done, userdata);
        return;
    }
    BerthTerminal *terminal = find(container, process, &error);
    if (terminal)
        berth_terminal_attach(terminal, client, alone, done, userdata);
    else
        done(NULL, error, userdata);
}

bool berth_container_detach(BerthContainer *container, const char *process, const char *client,
                            GError **error) {
    BerthTerminal *terminal = find(container, process, error);

    if (terminal)
        berth_terminal_detach(terminal, client);
    return terminal != NULL;
}

bool berth_container_resize(BerthContainer *container, const char *id, uint32_t rows,
                            uint32_t columns, GError **error) {
    BerthTerminal *terminal = find(container, id, error);
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    if (!terminal)
        return false;
    if (rows > UINT16_MAX || columns > UINT16_MAX)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "%u rows of %u columns are more than a terminal has", rows, columns);
    return ioctl(terminal->master, TIOCSWINSZ, &size) == 0 ||
           berth_error_set_errno(error, errno, "resize a terminal");
}

/* What a person types to end the input. Asking for the settings waits for nobody; writing may. */
void berth_container_close_stdin(BerthContainer *container, const char *id, BerthContainerDone done,
                                 void *userdata) {
    g_autoptr(GError) error = NULL;
    BerthTerminal *terminal = find(container, id, &error);
    struct termios settings;

    if (!terminal)
        g_prefix_error(&error, "the other end of its input is the caller's: ");
    else if (tcgetattr(terminal->master, &settings) < 0)
        berth_error_set_errno(&error, errno, "end the input of a terminal");
    if (error)
        done(error, userdata);
    else
        berth_screens_type(terminal->containers->screens, terminal->owner, terminal->master,
                           settings.c_cc[VEOF], done, userdata);
}
