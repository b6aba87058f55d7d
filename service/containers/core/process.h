/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process of a container: watching it, and finding it again after the service was away. */

#pragma once

#include "containers/core/object.h"

/* record is taken over, except the first process's, which is its container's. */
BerthProcess *berth_process_new(BerthContainer *container, BerthProcessKind kind,
                                BerthProcessRecord *record);
void berth_process_free(gpointer process);

/* By its id; "" is the first one. */
BerthProcess *berth_container_find_process(BerthContainer *container, const char *id,
                                           GError **error);
/* Its name in the descriptor store is made from its container's id, which has changed. */
void berth_process_update_name(BerthProcess *process);

/* What a terminal adds to a process's descriptors with systemd: master, screen, holder. */
enum { BERTH_TERMINAL_DESCRIPTORS = 3 };

/* LimitExceeded if a user may not have what one more process takes. */
bool berth_process_check_charge(uint32_t uid, BerthProcessKind kind, bool terminal, GError **error);
/* Charges its owner for a process from now on, which may be before it runs. */
void berth_process_charge(BerthProcess *process);

/* Watches a running process, and calls exited with its status when it has ended. The pidfd is taken
 * over. */
bool berth_process_watch(BerthProcess *process, int pidfd, BerthProcessExited exited,
                         GError **error);
/* Keeps its pidfd with systemd: whatever happens to the service, its exit status will be known. */
bool berth_process_keep(BerthProcess *process, GError **error);
/* Stops watching: what it holds of the service goes. */
void berth_process_unwatch(BerthProcess *process);
/* Stops watching, and drops the pidfd, here and with systemd. */
void berth_process_forget(BerthProcess *process);

/* Takes the newest of the kept descriptors with this name, and closes older ones; -1 for none. */
int berth_kept_descriptors_take(const BerthKeptDescriptors *kept, const char *name);
/* The pidfd of a process that ran when the service ended, as it was kept or opened again; -1 if the
 * process is gone. */
int berth_process_find_again(BerthProcess *process, const BerthKeptDescriptors *kept);

/* Whether it was started and has ended. */
bool berth_process_has_ended(const BerthProcess *process);
