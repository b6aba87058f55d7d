/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The terminal of a container as the caller of berth-runtime has it: the caller's own, or a pair
 * that is made here, whose master goes to the socket of --console-socket. Before the container is
 * started it has no terminal to hand out, so what is handed out is joined to it later.
 */

#pragma once

#include "base/error.h"

#include <systemd/sd-event.h>

typedef struct RuntimeConsole RuntimeConsole;

/* Makes a pair and sends its master. NULL with error. */
RuntimeConsole *runtime_console_send(const char *socket_path, GError **error);
/* The standard input and output, whether they are a terminal or not. NULL with error. */
RuntimeConsole *runtime_console_use_own(GError **error);

/* Copies both ways between it and the master of the container's terminal, which it takes over. */
bool runtime_console_join(RuntimeConsole *console, sd_event *event, int master, GError **error);
/* Gives the container's terminal the size of the caller's. */
void runtime_console_resize(RuntimeConsole *console);

/* Writes what the container has still written, restores a terminal, and frees it. */
void runtime_console_free(RuntimeConsole *console);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RuntimeConsole, runtime_console_free)
