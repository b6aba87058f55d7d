/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Methods about the terminals of a container's processes. A client that has received a terminal is
 * attached to it until it calls Detach or leaves the bus; the attached clients are in
 * containers/parts/terminal.c. There is no state here. The one thing to know: clients read and
 * write the terminal themselves; the service never does.
 */

#include "bus/container-object.h"
#include "bus/options.h"

/* Reads the container, the process and the options (there are none yet) of a call, and makes its
 * check. */
static int find_process(sd_bus_message *call, void *userdata, sd_bus_error *error,
                        const char **process, BerthContainer **container) {
    g_autofree char *id = NULL;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "s", process)) < 0 ||
        (r = berth_options_read_none(call, error)) < 0)
        return r;
    return berth_container_check_process(call, userdata, error, id, *process, container);
}

static void on_opened(const BerthAttachment *attachment, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "h", attachment->master);
}

static void on_attached(const BerthAttachment *attachment, const GError *error, void *userdata) {
    g_autoptr(BerthPendingCall) pending = userdata;

    if (error)
        berth_bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "hhh", attachment->master, attachment->screen,
                                   attachment->bell);
}

/* If alone, the terminal is for this client exclusively (OpenTerminal), otherwise it is shared
 * (Attach). The client is recorded by its unique name, and detached when it leaves the bus. */
static int attach(sd_bus_message *call, void *userdata, sd_bus_error *ret_error, bool alone) {
    BerthContainer *container;
    const char *process;
    int r = find_process(call, userdata, ret_error, &process, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_attach(container, process, sd_bus_message_get_sender(call), alone,
                           alone ? on_opened : on_attached, berth_pending_call_new(userdata, call));
    return 1;
}

int berth_container_method_open_terminal(sd_bus_message *call, void *userdata,
                                         sd_bus_error *error) {
    return attach(call, userdata, error, true);
}

int berth_container_method_attach(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    return attach(call, userdata, error, false);
}

int berth_container_method_detach(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    BerthContainer *container;
    const char *process;
    int r = find_process(call, userdata, ret_error, &process, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    return berth_container_detach(container, process, sd_bus_message_get_sender(call), &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}

int berth_container_method_resize(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    BerthContainer *container;
    const char *process;
    uint32_t rows, columns;
    int r;

    if ((r = berth_container_read_id(call, &id)) < 0 ||
        (r = sd_bus_message_read(call, "suu", &process, &rows, &columns)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_container_check_process(call, userdata, ret_error, id, process, &container);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    return berth_container_resize(container, process, rows, columns, &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}

/* Answered later: berth-screen has to type the end-of-file character. */
int berth_container_method_close_stdin(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthContainer *container;
    const char *process;
    int r = find_process(call, userdata, error, &process, &container);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    berth_container_close_stdin(container, process, berth_pending_call_finish,
                                berth_pending_call_new(userdata, call));
    return 1;
}
