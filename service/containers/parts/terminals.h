/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"
#include "containers/parts/terminal.h"

/* The terminals of processes. A terminal exists from when berth-launch has created it, and is kept
 * after the process has ended, for output that has not been read. */
extern const BerthPart berth_terminals_part;

/* Attaches a client, given by its unique name on the bus, until it detaches or disconnects. With
 * alone, it has exclusive access: it reads the master itself, bypassing the screen. */
void berth_container_attach(BerthContainer *container, const char *process, const char *client,
                            bool alone, BerthAttached done, void *userdata);
bool berth_container_detach(BerthContainer *container, const char *process, const char *client,
                            GError **error);
/* Must be called when a client has disconnected from the bus. */
void berth_containers_forget_client(BerthContainers *containers, const char *client);
bool berth_container_resize(BerthContainer *container, const char *process, uint32_t rows,
                            uint32_t columns, GError **error);
/* Types the end-of-file character of the terminal. An input that is not a terminal can only be
 * closed by the caller. */
void berth_container_close_stdin(BerthContainer *container, const char *process,
                                 BerthContainerDone done, void *userdata);
