/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A part of a container's life that the core does not know: a set of functions that the core calls
 * at fixed points, and a slot for the part's own state in the service, in each container and in
 * each process. All parts are in one table (containers/parts.c). The core calls them in the order
 * of that table, at every point and on every path that leads there: a start, an exit and a recovery
 * all run the same table.
 *
 *   a start   starting → (berth-launch; scope) → recording → [recorded as running] → started
 *                 └──────────── fails before it is recorded ────────────► abandoned
 *   an exit   exiting → [recorded as stopped] → exited
 *   recovery  recovered, for each container; then swept, once
 */

#pragma once

#include "containers/core/object.h"

/* Actions that a part may refuse while it is working on a container. */
typedef enum {
    BERTH_ACTION_START,
    BERTH_ACTION_EXEC,
    BERTH_ACTION_PAUSE,
    BERTH_ACTION_CHECKPOINT,
    BERTH_ACTION_HELPER, /* a program of the service starts to work on the container (helper.h) */
    BERTH_ACTION_RENAME,
    BERTH_ACTION_REMOVE,
} BerthAction;

/* Any of the functions may be NULL. */
struct BerthPart {
    const char *name;

    /* Called when the service starts and ends. opened runs before any container is known. */
    bool (*opened)(BerthContainers *containers, GError **error);
    void (*closed)(BerthContainers *containers);
    /* All containers have been recovered. Removes what a crash has left and no container uses. */
    bool (*swept)(BerthContainers *containers, GError **error);
    /* systemd has been asked to stop the container's scope. */
    void (*stop_requested)(BerthContainer *container);

    /* Returns true if the action may begin now; otherwise sets Busy or FailedPrecondition. */
    bool (*permits)(const BerthContainer *container, BerthAction action, GError **error);

    /* The record has been written for the first time. */
    void (*created)(BerthContainer *container);
    /* The container has been recovered; if it is running, its first process is watched. */
    void (*recovered)(BerthContainer *container, const BerthKeptDescriptors *kept);
    /* A start begins. May refuse it. */
    bool (*starting)(BerthContainer *container, GError **error);
    /* The process exists and is in its scope, but does not run the command yet. May refuse. Changes
     * to the record are written together with the start. */
    bool (*recording)(BerthContainer *container, GError **error);
    /* The command is running. */
    void (*started)(BerthContainer *container);
    /* A start has failed. Undoes what starting did. An exit may follow. */
    void (*abandoned)(BerthContainer *container);
    /* The first process has ended, which is not recorded yet. */
    void (*exiting)(BerthContainer *container);
    /* The end is recorded, and a start that it interrupted has been answered. */
    void (*exited)(BerthContainer *container);
    /* Something in the container has ended: a process, a start or a helper. */
    void (*settled)(BerthContainer *container);
    /* It is about to get another id, and its scope another name. */
    void (*renaming)(BerthContainer *container);
    /* Its row has been deleted; freed follows. */
    void (*deleted)(BerthContainer *container);
    /* The object is freed, either because the container was deleted or because the service ends. */
    void (*freed)(BerthContainer *container);

    /* These concern one process: the first or an executed one. */
    void (*process_recovered)(BerthProcess *process, const BerthKeptDescriptors *kept);
    /* Its terminal has been created. Takes over the master. */
    void (*process_terminal)(BerthProcess *process, int master);
    void (*process_exited)(BerthProcess *process);
    /* The process is started again or forgotten. Removes what systemd keeps from its last run. */
    void (*process_dropped)(BerthProcess *process);
    void (*process_freed)(BerthProcess *process);
};

/* Allocates the slots of an object, one per part. They are NULL until the part sets them. */
void **berth_parts_new_slots(const BerthContainers *containers);
void **berth_containers_slot(const BerthContainers *containers, const BerthPart *part);
void **berth_container_slot(const BerthContainer *container, const BerthPart *part);
void **berth_process_slot(const BerthProcess *process, const BerthPart *part);

bool berth_parts_opened(BerthContainers *containers, GError **error);
void berth_parts_closed(BerthContainers *containers);
bool berth_parts_swept(BerthContainers *containers, GError **error);
void berth_parts_stop_requested(BerthContainer *container);

bool berth_parts_permit(const BerthContainer *container, BerthAction action, GError **error);

void berth_parts_created(BerthContainer *container);
void berth_parts_recovered(BerthContainer *container, const BerthKeptDescriptors *kept);
bool berth_parts_starting(BerthContainer *container, GError **error);
bool berth_parts_recording(BerthContainer *container, GError **error);
void berth_parts_started(BerthContainer *container);
void berth_parts_abandoned(BerthContainer *container);
void berth_parts_exiting(BerthContainer *container);
void berth_parts_exited(BerthContainer *container);
void berth_parts_settled(BerthContainer *container);
void berth_parts_renaming(BerthContainer *container);
void berth_parts_deleted(BerthContainer *container);
void berth_parts_freed(BerthContainer *container);

void berth_parts_process_recovered(BerthProcess *process, const BerthKeptDescriptors *kept);
void berth_parts_process_terminal(BerthProcess *process, int master);
void berth_parts_process_exited(BerthProcess *process);
void berth_parts_process_dropped(BerthProcess *process);
/* The same for all processes of the container. */
void berth_parts_processes_dropped(BerthContainer *container);
void berth_parts_process_freed(BerthProcess *process);
