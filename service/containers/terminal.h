/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The terminal of a process, as the service has it: the master, its screen (base/screen.h), and who
 * is attached. While somebody is, those read it who are; while nobody is, berth-screen does. The
 * service itself reads no byte.
 */

#pragma once

#include "containers/containers.h"

typedef struct BerthTerminal BerthTerminal;

/* Keeps both with systemd too, by this name of the process; takes them over. screen: -1 for a new
 * one. */
BerthTerminal *berth_terminal_new(BerthContainers *containers, const char *process_name, int master,
                                  int screen);
/* Closes them, here and with systemd. */
void berth_terminal_drop(BerthTerminal *terminal);
/* Closes them here. */
void berth_terminal_free(BerthTerminal *terminal);

/* The names they have with systemd. */
char *berth_terminal_make_name(const char *process_name);
char *berth_terminal_make_screen_name(const char *process_name);

/* Its process runs no more: what it wrote last is read, and no more is waited for. */
void berth_terminal_set_ended(BerthTerminal *terminal);

/* As a client, by its unique name on the bus; berth_container_attach. */
void berth_terminal_attach(BerthTerminal *terminal, const char *client, bool alone,
                           BerthAttached done, void *userdata);
void berth_terminal_detach(BerthTerminal *terminal, const char *client);
