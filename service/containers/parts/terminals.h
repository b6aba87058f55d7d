/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"
#include "containers/parts/terminal.h"

/* The terminals of processes: kept from when berth-launch has made them, also after the process has
 * ended, for what is still to be read. */
extern const BerthPart berth_terminals_part;

/* Attaches a client of the bus, by its unique name, until it leaves. alone: it reads the master
 * itself, past the screen. */
void berth_container_attach(BerthContainer *container, const char *process, const char *client,
                            bool alone, BerthAttached done, void *userdata);
bool berth_container_detach(BerthContainer *container, const char *process, const char *client,
                            GError **error);
/* A client has left the bus. */
void berth_containers_forget_client(BerthContainers *containers, const char *client);
bool berth_container_resize(BerthContainer *container, const char *process, uint32_t rows,
                            uint32_t columns, GError **error);
/* Types the terminal's end-of-file character. An input that is no terminal is the caller's to
 * close. */
void berth_container_close_stdin(BerthContainer *container, const char *process,
                                 BerthContainerDone done, void *userdata);
