/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The terminal of a container as berth-runtime's caller has it: the caller's own, or a pair made
 * here, whose master is sent to the socket of --console-socket. Before it is started, the container
 * has no terminal to send, so the two are joined later.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct RuntimeConsole RuntimeConsole;

/* Makes a pair and sends its master. NULL with error. */
RuntimeConsole *runtime_console_send(const char *socket_path, GError **error);
/* Uses standard input and output, whether or not they are a terminal. NULL with error. */
RuntimeConsole *runtime_console_use_own(GError **error);

/* Copies in both directions between it and the master of the container's terminal, which it takes
 * ownership of. */
bool runtime_console_join(RuntimeConsole *console, sd_event *event, int master, GError **error);
/* Gives the container's terminal the size of the caller's. */
void runtime_console_resize(RuntimeConsole *console);

/* Writes the container's remaining output, restores the caller's terminal, and frees the console.
 */
void runtime_console_free(RuntimeConsole *console);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RuntimeConsole, runtime_console_free)
