/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The terminals of a container's processes, as who is outside has them: the master's side. */

#include "base/fd.h"
#include "containers/container-private.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>

static BerthProcess *find(BerthContainer *container, const char *id, GError **error) {
    BerthProcess *process = berth_container_find_process(container, id, error);

    if (!process)
        return NULL;
    if (process->terminal >= 0)
        return process;
    berth_error_set(
        error, BERTH_ERROR_FAILED_PRECONDITION, "%s%s%s of container \"%s\" has no terminal",
        id[0] ? "process \"" : "the command", id, id[0] ? "\"" : "", container->record.id);
    return NULL;
}

int berth_container_open_terminal(BerthContainer *container, const char *id, GError **error) {
    BerthProcess *process = find(container, id, error);
    int copy = process ? fcntl(process->terminal, F_DUPFD_CLOEXEC, 0) : -1;

    if (process && copy < 0)
        berth_error_set_errno(error, errno, "duplicate a terminal");
    return copy;
}

bool berth_container_resize(BerthContainer *container, const char *id, uint32_t rows,
                            uint32_t columns, GError **error) {
    BerthProcess *process = find(container, id, error);
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    if (!process)
        return false;
    if (rows > UINT16_MAX || columns > UINT16_MAX)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "%u rows of %u columns are more than a terminal has", rows, columns);
    return ioctl(process->terminal, TIOCSWINSZ, &size) == 0 ||
           berth_error_set_errno(error, errno, "resize a terminal");
}

/* What a person types to end the input. */
bool berth_container_close_stdin(BerthContainer *container, const char *id, GError **error) {
    BerthProcess *process = find(container, id, error);
    struct termios settings;

    if (!process) {
        g_prefix_error(error, "the other end of its input is the caller's: ");
        return false;
    }
    if (tcgetattr(process->terminal, &settings) < 0 ||
        write(process->terminal, &settings.c_cc[VEOF], 1) != 1)
        return berth_error_set_errno(error, errno, "end the input of a terminal");
    return true;
}
