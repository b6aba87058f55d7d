/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The terminals of processes. A process owns its terminal from when berth-launch hands out the
 * master. If its record says that a first process will have a terminal, clients may attach
 * beforehand: they wait in the slot of the process. systemd keeps the terminals while the service
 * is away.
 */

#include "containers/parts/terminals.h"

#include "containers/core/process.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

/* The part's state in the service. */
typedef struct {
    BerthTerminalService shared;
    GPtrArray *terminals; /* all terminals, which their processes own */
} TerminalsService;

/* The part's state in a process. */
typedef struct {
    BerthTerminal *terminal; /* NULL if there is none yet */
    BerthCharge *kept;       /* to its owner, for the descriptors that systemd keeps */
    GPtrArray *attaching;    /* of Attaching: clients that wait for the terminal */
} TerminalState;

typedef struct {
    char *client;
    bool alone;
    BerthAttached done;
    void *userdata;
} Attaching;

static TerminalsService *get_service(const BerthContainers *containers) {
    return *berth_containers_slot(containers, &berth_terminals_part);
}

static TerminalState *find_terminal_state(const BerthProcess *process) {
    return *berth_process_slot(process, &berth_terminals_part);
}

static void free_attaching(gpointer data) {
    Attaching *attaching = data;

    g_free(attaching->client);
    g_free(attaching);
}

static GPtrArray *new_attaching(void) {
    return g_ptr_array_new_with_free_func(free_attaching);
}

static TerminalState *get_terminal_state(BerthProcess *process) {
    void **slot = berth_process_slot(process, &berth_terminals_part);
    TerminalState *state = *slot;

    if (!state) {
        *slot = state = g_new0(TerminalState, 1);
        state->attaching = new_attaching();
    }
    return state;
}

static BerthTerminal *get_terminal(const BerthProcess *process) {
    const TerminalState *state = find_terminal_state(process);

    return state ? state->terminal : NULL;
}

static void set_terminal(BerthProcess *process, const BerthTerminalFiles *files) {
    const BerthContainer *container = process->container;
    TerminalsService *service = get_service(container->containers);
    TerminalState *state = get_terminal_state(process);

    /* Forced, since the terminal already exists. The limit was checked before the start. */
    if (!state->kept)
        state->kept = berth_charge_new_forced(container->record.owner, BERTH_RESOURCE_DESCRIPTORS,
                                              BERTH_TERMINAL_DESCRIPTORS);
    state->terminal =
        berth_terminal_new(&service->shared, process->fd_name, container->record.owner, files);
    g_ptr_array_add(service->terminals, state->terminal);
}

/* Takes the terminal out of the state, so that it can be dropped or freed. */
static BerthTerminal *steal_terminal(BerthProcess *process) {
    TerminalState *state = find_terminal_state(process);
    BerthTerminal *terminal = state ? g_steal_pointer(&state->terminal) : NULL;

    if (state)
        g_clear_pointer(&state->kept, berth_charge_free);
    if (terminal)
        g_ptr_array_remove_fast(get_service(process->container->containers)->terminals, terminal);
    return terminal;
}

static void terminals_process_dropped(BerthProcess *process) {
    berth_terminal_drop(steal_terminal(process));
}

/* Attaches the clients that wait for the terminal, or passes the error to them. */
static void answer_attaching(BerthProcess *process, const GError *error) {
    TerminalState *state = find_terminal_state(process);
    g_autoptr(GPtrArray) all = state ? g_steal_pointer(&state->attaching) : NULL;

    if (!state)
        return;
    state->attaching = new_attaching();
    /* The state already has a new list, since a callback may let another client wait. */
    for (guint i = 0; i < all->len; i++) {
        const Attaching *attaching = all->pdata[i];
        if (error)
            attaching->done(NULL, error, attaching->userdata);
        else
            berth_terminal_attach(state->terminal, attaching->client, attaching->alone,
                                  attaching->done, attaching->userdata);
    }
}

static void fail_attaching(BerthContainer *container, const char *why) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_NOT_FOUND, "container \"%s\" %s", container->record.id,
                    why);
    answer_attaching(container->first, error);
}

/* The terminal of an earlier run is dropped first, because its names with systemd are the same. */
static void terminals_process_terminal(BerthProcess *process, int master) {
    const BerthTerminalFiles files = {master, -1, -1};

    terminals_process_dropped(process);
    set_terminal(process, &files);
    answer_attaching(process, NULL);
}

static void terminals_process_recovered(BerthProcess *process, const BerthKeptDescriptors *kept) {
    g_autofree char *name = berth_terminal_make_name(process->fd_name);
    g_autofree char *screen_name = berth_terminal_make_screen_name(process->fd_name);
    g_autofree char *holder_name = berth_terminal_make_holder_name(process->fd_name);
    const BerthTerminalFiles files = {
        .master = berth_kept_descriptors_take(kept, name),
        .screen = berth_kept_descriptors_take(kept, screen_name),
        .holder = berth_kept_descriptors_take(kept, holder_name),
    };

    /* Without a master, the other two are useless. */
    if (files.master >= 0) {
        set_terminal(process, &files);
        if (!process->record->running)
            berth_terminal_set_ended(get_terminal(process));
        return;
    }
    if (files.screen >= 0)
        close(files.screen);
    if (files.holder >= 0)
        close(files.holder);
}

/* The terminal is kept until the process is dropped: clients may still read the last output. */
static void terminals_process_exited(BerthProcess *process) {
    berth_terminal_set_ended(get_terminal(process));
    if (process->kind == BERTH_PROCESS_FIRST)
        fail_attaching(process->container, "ended before it had a terminal");
}

static void terminals_process_freed(BerthProcess *process) {
    void **slot = berth_process_slot(process, &berth_terminals_part);
    TerminalState *state = find_terminal_state(process);

    if (!state)
        return;
    berth_terminal_free(steal_terminal(process));
    g_ptr_array_unref(state->attaching);
    g_free(state);
    *slot = NULL;
}

static void terminals_deleted(BerthContainer *container) {
    fail_attaching(container, "was deleted before it was started");
}

static void terminals_closed(BerthContainers *containers) {
    TerminalsService *service = get_service(containers);

    if (!service)
        return;
    berth_screens_free(service->shared.screens);
    g_ptr_array_unref(service->terminals);
    g_free(service);
}

/* All terminals share the event loop, the bus and the workers of berth-screen. */
static bool terminals_opened(BerthContainers *containers, GError **error) {
    TerminalsService *service = g_new0(TerminalsService, 1);

    (void)error;
    service->shared = (BerthTerminalService){
        .event = containers->event,
        .bus = containers->bus,
        .screens = berth_screens_new(containers->event),
    };
    service->terminals = g_ptr_array_new();
    *berth_containers_slot(containers, &berth_terminals_part) = service;
    return true;
}

/* Whether clients may wait for the terminal: only that of a first process that has yet to get
 * one. */
static bool will_have_terminal(const BerthProcess *process) {
    const BerthContainerRecord *record = &process->container->record;

    return process->kind == BERTH_PROCESS_FIRST && !get_terminal(process) && record->terminal &&
           (process->start || record->state == BERTH_CONTAINER_CREATED);
}

/* client is a unique name, by which berth_containers_forget_client() finds the entry when the
 * client disconnects. */
static void wait_for_terminal(BerthProcess *process, const char *client, bool alone,
                              BerthAttached done, void *userdata) {
    Attaching *attaching = g_new0(Attaching, 1);

    *attaching = (Attaching){g_strdup(client), alone, done, userdata};
    g_ptr_array_add(get_terminal_state(process)->attaching, attaching);
}

static void forget_attaching(BerthProcess *process, const char *client) {
    TerminalState *state = find_terminal_state(process);
    g_autoptr(GError) error = NULL;

    for (guint i = state ? state->attaching->len : 0; i-- > 0;) {
        const Attaching *attaching = state->attaching->pdata[i];
        if (!g_str_equal(attaching->client, client))
            continue;
        if (!error)
            berth_error_set(&error, BERTH_ERROR_CANCELLED, "the caller has left the bus");
        attaching->done(NULL, error, attaching->userdata);
        g_ptr_array_remove_index(state->attaching, i);
    }
}

void berth_containers_forget_client(BerthContainers *containers, const char *client) {
    const GPtrArray *terminals = get_service(containers)->terminals;
    GHashTableIter iterator;
    gpointer value;

    for (guint i = 0; i < terminals->len; i++)
        berth_terminal_detach(terminals->pdata[i], client);
    /* Only first processes have clients that wait (will_have_terminal). */
    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        forget_attaching(((BerthContainer *)value)->first, client);
}

static BerthTerminal *find_terminal(BerthContainer *container, const char *id, GError **error) {
    BerthProcess *process = berth_container_find_process(container, id, error);

    if (!process)
        return NULL;
    if (get_terminal(process))
        return get_terminal(process);
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
        wait_for_terminal(found, client, alone, done, userdata);
        return;
    }
    BerthTerminal *terminal = find_terminal(container, process, &error);
    if (terminal)
        berth_terminal_attach(terminal, client, alone, done, userdata);
    else
        done(NULL, error, userdata);
}

bool berth_container_detach(BerthContainer *container, const char *process, const char *client,
                            GError **error) {
    BerthTerminal *terminal = find_terminal(container, process, error);

    if (terminal)
        berth_terminal_detach(terminal, client);
    return terminal != NULL;
}

bool berth_container_resize(BerthContainer *container, const char *id, uint32_t rows,
                            uint32_t columns, GError **error) {
    BerthTerminal *terminal = find_terminal(container, id, error);
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    if (!terminal)
        return false;
    /* struct winsize has 16 bits for each (ioctl_tty(2)). */
    if (rows > UINT16_MAX || columns > UINT16_MAX)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "%u rows of %u columns are more than a terminal can have", rows,
                               columns);
    return ioctl(berth_terminal_get_master(terminal), TIOCSWINSZ, &size) == 0 ||
           berth_error_set_errno(error, errno, "resize a terminal");
}

/* Types the character that a person would type to end the input. Reading the settings never blocks,
 * but writing may, so berth-screen does that. */
void berth_container_close_stdin(BerthContainer *container, const char *id, BerthContainerDone done,
                                 void *userdata) {
    g_autoptr(GError) error = NULL;
    BerthTerminal *terminal = find_terminal(container, id, &error);
    int master = terminal ? berth_terminal_get_master(terminal) : -1;
    struct termios settings;

    if (!terminal)
        g_prefix_error(&error, "the service cannot close its input: ");
    else if (tcgetattr(master, &settings) < 0)
        berth_error_set_errno(&error, errno, "end the input of a terminal");
    if (error)
        done(error, userdata);
    else
        berth_screens_type(get_service(container->containers)->shared.screens,
                           container->record.owner, master, settings.c_cc[VEOF], done, userdata);
}

const BerthPart berth_terminals_part = {
    .name = "terminals",
    .opened = terminals_opened,
    .closed = terminals_closed,
    .deleted = terminals_deleted,
    .process_recovered = terminals_process_recovered,
    .process_terminal = terminals_process_terminal,
    .process_exited = terminals_process_exited,
    .process_dropped = terminals_process_dropped,
    .process_freed = terminals_process_freed,
};
