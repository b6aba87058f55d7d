/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The terminal that dist was started in, joined to one of a container. */

#pragma once

#include "client/bus.h"

typedef struct DistTerminal DistTerminal;

/* Called when a person has typed the detach keys. */
typedef void (*DistDetached)(void *userdata);

/* Checks keys like "ctrl-p,ctrl-q" or "ctrl-],x"; "" for none. */
bool dist_terminal_check_keys(const char *keys, GError **error);

/* The descriptors that Attach returns (base/screen.h). */
typedef struct {
    int master, screen, bell;
} DistAttachment;

/* Puts dist's terminal into raw mode, shows what was written last, and copies both ways until it is
 * freed, which restores it. Takes the descriptors over. */
DistTerminal *dist_terminal_join(sd_event *event, const DistAttachment *attachment,
                                 const char *detach_keys, DistDetached detached, void *userdata,
                                 GError **error);

/* Copies what the container has still written, without waiting, and restores. */
void dist_terminal_free(DistTerminal *terminal);

/* The size of dist's own terminal; false if it has none. */
bool dist_terminal_get_size(uint32_t *rows, uint32_t *columns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistTerminal, dist_terminal_free)
