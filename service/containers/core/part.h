/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A part of the life of containers that the core does not know: a set of functions that the core
 * calls at fixed points, and a slot for its own state on the service, on each container and on each
 * process. All parts are in one table (containers/parts.c). The core calls them in its order, at
 * every point and on every path that leads there: a start, an exit and a recovery run the same
 * table.
 *
 *   a start   starting → (berth-launch; scope) → recording → [recorded as running] → started
 *                 └──────────── fails before it is recorded ────────────► abandoned
 *   an exit   exiting → [recorded as stopped] → exited
 *   recovery  recovered, for each container; then swept, once
 */

#pragma once

#include "containers/core/object.h"

/* Actions that a part may refuse while it is busy with a container. */
typedef enum {
    BERTH_ACTION_START,
    BERTH_ACTION_EXEC,
    BERTH_ACTION_PAUSE,
    BERTH_ACTION_CHECKPOINT,
    BERTH_ACTION_HELPER, /* a program of the service begins to work on it: helper.h */
    BERTH_ACTION_RENAME,
    BERTH_ACTION_REMOVE,
} BerthAction;

/* Any function may be NULL. */
struct BerthPart {
    const char *name;

    /* The service begins and ends. opened runs before any container is known. */
    bool (*opened)(BerthContainers *containers, GError **error);
    void (*closed)(BerthContainers *containers);
    /* All containers have been recovered: what a crash left and belongs to none of them goes. */
    bool (*swept)(BerthContainers *containers, GError **error);
    /* systemd is asked to stop the container's scope. */
    void (*stop_requested)(BerthContainer *container);

    /* Whether the action may begin now; sets Busy or FailedPrecondition if not. */
    bool (*permits)(const BerthContainer *container, BerthAction action, GError **error);

    /* A record was written for the first time. */
    void (*created)(BerthContainer *container);
    /* The service has found it again: if it is running, its first process is watched. */
    void (*recovered)(BerthContainer *container, const BerthKeptDescriptors *kept);
    /* A start begins; may refuse. */
    bool (*starting)(BerthContainer *container, GError **error);
    /* The process exists and is in its scope, and does not run the command yet; may refuse. Changes
     * of the record are written with the start. */
    bool (*recording)(BerthContainer *container, GError **error);
    /* The command runs. */
    void (*started)(BerthContainer *container);
    /* A start has failed: what starting did is undone. An exit may follow. */
    void (*abandoned)(BerthContainer *container);
    /* The first process has ended; this is not recorded yet. */
    void (*exiting)(BerthContainer *container);
    /* The end is recorded, and a start that it has broken off was answered. */
    void (*exited)(BerthContainer *container);
    /* Something in the container has ended: a process, a start, a helper. */
    void (*settled)(BerthContainer *container);
    /* Its row is gone; freed follows. */
    void (*deleted)(BerthContainer *container);
    /* The object goes, because the container was deleted or because the service ends. */
    void (*freed)(BerthContainer *container);

    /* Of a process, the first or one that was executed. */
    void (*process_recovered)(BerthProcess *process, const BerthKeptDescriptors *kept);
    /* Its terminal was made; the master is taken over. */
    void (*process_terminal)(BerthProcess *process, int master);
    void (*process_exited)(BerthProcess *process);
    /* It is started again or forgotten: what systemd keeps of its last run goes. */
    void (*process_dropped)(BerthProcess *process);
    void (*process_freed)(BerthProcess *process);
};

/* Slots, one a part; allocated with an object, and NULL until the part puts something there. */
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
void berth_parts_deleted(BerthContainer *container);
void berth_parts_freed(BerthContainer *container);

void berth_parts_process_recovered(BerthProcess *process, const BerthKeptDescriptors *kept);
void berth_parts_process_terminal(BerthProcess *process, int master);
void berth_parts_process_exited(BerthProcess *process);
void berth_parts_process_dropped(BerthProcess *process);
void berth_parts_process_freed(BerthProcess *process);
