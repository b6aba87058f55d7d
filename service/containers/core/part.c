/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls the parts in the order of their table (containers/parts.c), and finds their slots. There is
 * no state here: the table was passed to berth_containers_new_with_parts(), and the slots belong to
 * the objects.
 */

#include "containers/core/part.h"

static size_t count_parts(const BerthContainers *containers) {
    size_t count = 0;

    while (containers->parts[count])
        count++;
    return count;
}

void **berth_parts_new_slots(const BerthContainers *containers) {
    return g_new0(void *, count_parts(containers));
}

static size_t find_part(const BerthContainers *containers, const BerthPart *part) {
    size_t i = 0;

    while (containers->parts[i] != part) {
        /* Only parts in the table have slots. */
        g_assert(containers->parts[i]);
        i++;
    }
    return i;
}

void **berth_containers_slot(const BerthContainers *containers, const BerthPart *part) {
    return &containers->slots[find_part(containers, part)];
}

void **berth_container_slot(const BerthContainer *container, const BerthPart *part) {
    return &container->slots[find_part(container->containers, part)];
}

void **berth_process_slot(const BerthProcess *process, const BerthPart *part) {
    return &process->slots[find_part(process->container->containers, part)];
}

/* Calls one function of every part that implements it. */
#define CALL_EACH(containers, function, ...)                                                       \
    for (const BerthPart *const *part = (containers)->parts; *part; part++)                        \
        if ((*part)->function)                                                                     \
    (*part)->function(__VA_ARGS__)

/* The same, but stops at the first failure and returns it. */
#define RETURN_ALL(containers, function, ...)                                                      \
    do {                                                                                           \
        for (const BerthPart *const *part = (containers)->parts; *part; part++)                    \
            if ((*part)->function && !(*part)->function(__VA_ARGS__))                              \
                return false;                                                                      \
        return true;                                                                               \
    } while (false)

bool berth_parts_opened(BerthContainers *containers, GError **error) {
    RETURN_ALL(containers, opened, containers, error);
}

void berth_parts_closed(BerthContainers *containers) {
    CALL_EACH(containers, closed, containers);
}

bool berth_parts_swept(BerthContainers *containers, GError **error) {
    RETURN_ALL(containers, swept, containers, error);
}

void berth_parts_stop_requested(BerthContainer *container) {
    CALL_EACH(container->containers, stop_requested, container);
}

bool berth_parts_permit(const BerthContainer *container, BerthAction action, GError **error) {
    RETURN_ALL(container->containers, permits, container, action, error);
}

void berth_parts_created(BerthContainer *container) {
    CALL_EACH(container->containers, created, container);
}

void berth_parts_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    CALL_EACH(container->containers, recovered, container, kept);
}

/* After a refusal the core calls abandoned of all parts, including those whose starting was never
 * called. */
bool berth_parts_starting(BerthContainer *container, GError **error) {
    RETURN_ALL(container->containers, starting, container, error);
}

bool berth_parts_recording(BerthContainer *container, GError **error) {
    RETURN_ALL(container->containers, recording, container, error);
}

void berth_parts_started(BerthContainer *container) {
    CALL_EACH(container->containers, started, container);
}

void berth_parts_abandoned(BerthContainer *container) {
    CALL_EACH(container->containers, abandoned, container);
}

void berth_parts_exiting(BerthContainer *container) {
    CALL_EACH(container->containers, exiting, container);
}

void berth_parts_exited(BerthContainer *container) {
    CALL_EACH(container->containers, exited, container);
}

void berth_parts_settled(BerthContainer *container) {
    CALL_EACH(container->containers, settled, container);
}

void berth_parts_renaming(BerthContainer *container) {
    CALL_EACH(container->containers, renaming, container);
}

void berth_parts_deleted(BerthContainer *container) {
    CALL_EACH(container->containers, deleted, container);
}

void berth_parts_freed(BerthContainer *container) {
    CALL_EACH(container->containers, freed, container);
}

void berth_parts_process_recovered(BerthProcess *process, const BerthKeptDescriptors *kept) {
    CALL_EACH(process->container->containers, process_recovered, process, kept);
}

void berth_parts_process_terminal(BerthProcess *process, int master) {
    CALL_EACH(process->container->containers, process_terminal, process, master);
}

void berth_parts_process_exited(BerthProcess *process) {
    CALL_EACH(process->container->containers, process_exited, process);
}

void berth_parts_process_dropped(BerthProcess *process) {
    CALL_EACH(process->container->containers, process_dropped, process);
}

void berth_parts_processes_dropped(BerthContainer *container) {
    GHashTableIter iterator;
    gpointer process;

    berth_parts_process_dropped(container->first);
    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &process))
        berth_parts_process_dropped(process);
}

void berth_parts_process_freed(BerthProcess *process) {
    CALL_EACH(process->container->containers, process_freed, process);
}
