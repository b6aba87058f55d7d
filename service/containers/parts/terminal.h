/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The terminal of a process as the service sees it: the master, its screen (base/screen.h), and the
 * attached clients. Clients read the terminal while any are attached, and berth-screen does
 * otherwise. The service itself never reads or writes it: master, screen and bell are shared with
 * clients, which can make any call on them block.
 */

#pragma once

#include "containers/parts/screens.h"

#include <systemd/sd-bus.h>

typedef struct BerthTerminal BerthTerminal;

/* What an attached client receives: the master, which is non-blocking, and the two descriptors
 * described in base/screen.h. */
typedef struct {
    int master, screen, bell;
} BerthAttachment;
/* The callee duplicates the descriptors; attachment is NULL if there is an error. */
typedef void (*BerthAttached)(const BerthAttachment *attachment, const GError *error,
                              void *userdata);

/* Shared by all terminals of the service. */
typedef struct {
    sd_event *event;
    sd_bus *bus;
    BerthScreens *screens;
} BerthTerminalService;

/* The descriptors that systemd keeps of a terminal, which are taken over. screen is -1 to create a
 * new one; holder is -1 if no client has exclusive access. */
typedef struct {
    int master, screen, holder;
} BerthTerminalFiles;

/* Creates the terminal of a process, given the name of that process in the descriptor store. owner
 * is the owner of the container. */
BerthTerminal *berth_terminal_new(const BerthTerminalService *service, const char *process_name,
                                  uint32_t owner, const BerthTerminalFiles *files);
/* Closes its descriptors both here and with systemd, and frees it. */
void berth_terminal_drop(BerthTerminal *terminal);
/* Closes its descriptors only here, and frees it. */
void berth_terminal_free(BerthTerminal *terminal);

int berth_terminal_get_master(const BerthTerminal *terminal);

/* The names of its descriptors with systemd. The caller frees them. */
char *berth_terminal_make_name(const char *process_name);
char *berth_terminal_make_screen_name(const char *process_name);
char *berth_terminal_make_holder_name(const char *process_name);

/* The process has ended. Remaining output is still read, but no more is expected. */
void berth_terminal_set_ended(BerthTerminal *terminal);

/* Attaches a client, given by its unique name on the bus (berth_container_attach). */
void berth_terminal_attach(BerthTerminal *terminal, const char *client, bool alone,
                           BerthAttached done, void *userdata);
void berth_terminal_detach(BerthTerminal *terminal, const char *client);
