/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The terminal of a process, as the service has it: the master, its screen (base/screen.h), and the
 * clients that are attached. While there are some, they read it; while there are none, berth-screen
 * does. The service itself reads and writes none of it: master, screen and bell are shared with
 * clients, which can make every call on them wait.
 */

#pragma once

#include "containers/parts/screens.h"

#include <systemd/sd-bus.h>

typedef struct BerthTerminal BerthTerminal;

/* What an attached client gets: the master, which is non-blocking, and what base/screen.h
 * describes.
 */
typedef struct {
    int master, screen, bell;
} BerthAttachment;
/* The attachment is the callee's to duplicate; NULL with error. */
typedef void (*BerthAttached)(const BerthAttachment *attachment, const GError *error,
                              void *userdata);

/* What all terminals of the service share. */
typedef struct {
    sd_event *event;
    sd_bus *bus;
    BerthScreens *screens;
} BerthTerminalService;

/* What systemd keeps of it for the next service; taken over. screen: -1 for a new one; holder: -1
 * for no client that reads it alone. */
typedef struct {
    int master, screen, holder;
} BerthTerminalFiles;

/* Of a process by its name in the descriptor store, of a container of this owner. */
BerthTerminal *berth_terminal_new(const BerthTerminalService *service, const char *process_name,
                                  uint32_t owner, const BerthTerminalFiles *files);
/* Closes them, here and with systemd. */
void berth_terminal_drop(BerthTerminal *terminal);
/* Closes them here. */
void berth_terminal_free(BerthTerminal *terminal);

int berth_terminal_get_master(const BerthTerminal *terminal);

/* The names they have with systemd. */
char *berth_terminal_make_name(const char *process_name);
char *berth_terminal_make_screen_name(const char *process_name);
char *berth_terminal_make_holder_name(const char *process_name);

/* Its process has ended: what it wrote last is read, and nothing is expected any more. */
void berth_terminal_set_ended(BerthTerminal *terminal);

/* As a client, by its unique name on the bus; berth_container_attach. */
void berth_terminal_attach(BerthTerminal *terminal, const char *client, bool alone,
                           BerthAttached done, void *userdata);
void berth_terminal_detach(BerthTerminal *terminal, const char *client);
