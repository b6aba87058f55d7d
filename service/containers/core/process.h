/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process of a container: watching it, and finding it again after a restart of the service. */

#pragma once

#include "containers/core/object.h"

/* Takes over record, except for a first process, whose record is part of the container's. */
BerthProcess *berth_process_new(BerthContainer *container, BerthProcessKind kind,
                                BerthProcessRecord *record);
void berth_process_free(gpointer process);

/* Finds a process by its id; "" is the first one. */
BerthProcess *berth_container_find_process(BerthContainer *container, const char *id,
                                           GError **error);
/* Renames its entry in the descriptor store after the id of its container has changed. */
void berth_process_update_name(BerthProcess *process);

/* The number of descriptors that a terminal adds to those that systemd keeps for a process: master,
 * screen, holder. */
enum { BERTH_TERMINAL_DESCRIPTORS = 3 };

/* Sets LimitExceeded if the user's limits do not allow one more process. */
bool berth_process_check_charge(uint32_t uid, BerthProcessKind kind, bool terminal, GError **error);
/* Charges the owner for a process from now on, possibly before it runs. */
void berth_process_charge(BerthProcess *process);

/* Watches a running process and calls exited with its status once it has ended. Takes over the
 * pidfd. */
bool berth_process_watch(BerthProcess *process, int pidfd, BerthProcessExited exited,
                         GError **error);
/* Stores its pidfd with systemd, so that its exit status is known whatever happens to the
 * service. */
bool berth_process_keep(BerthProcess *process, GError **error);
/* Stops watching, and releases the hold on the service. */
void berth_process_unwatch(BerthProcess *process);
/* Stops watching, and drops the pidfd both here and with systemd. */
void berth_process_forget(BerthProcess *process);

/* Takes the newest of the kept descriptors with this name and closes older ones. Returns -1 if
 * there is none. */
int berth_kept_descriptors_take(const BerthKeptDescriptors *kept, const char *name);
/* The pidfd of a process that was running when the service ended, either as systemd kept it or
 * opened again. Returns -1 if the process is gone. */
int berth_process_find_again(BerthProcess *process, const BerthKeptDescriptors *kept);

/* Returns true if it was started and has ended. */
bool berth_process_has_ended(const BerthProcess *process);
