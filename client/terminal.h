/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connects the terminal that dist was started in to one of a container. */

#pragma once

#include "client/bus.h"

typedef struct DistTerminal DistTerminal;

/* Called when the user has typed the detach keys. */
typedef void (*DistDetached)(void *userdata);

/* Checks keys such as "ctrl-p,ctrl-q" or "ctrl-],x"; "" for none. */
bool dist_terminal_check_keys(const char *keys, GError **error);

/* The descriptors that Attach returns (base/screen.h). */
typedef struct {
    int master, screen, bell;
} DistAttachment;

/* Puts dist's terminal into raw mode, shows the most recent output, and copies in both directions
 * until it is freed, which restores the mode. Takes ownership of the descriptors. */
DistTerminal *dist_terminal_join(sd_event *event, const DistAttachment *attachment,
                                 const char *detach_keys, DistDetached detached, void *userdata,
                                 GError **error);

/* Copies the container's remaining output without waiting, and restores the terminal's mode. */
void dist_terminal_free(DistTerminal *terminal);

/* The size of dist's own terminal; false if it has none. */
bool dist_terminal_get_size(uint32_t *rows, uint32_t *columns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistTerminal, dist_terminal_free)
