/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The core of containers: their records, their processes, the one function that changes a
 * container's state, events, and callers that wait for an exit. Everything else that a running
 * container needs (networks, terminals, health checks…) is implemented by parts, which the core
 * does not know (part.h).
 *
 * This is the interface for users of the core; the objects themselves are declared in object.h.
 */

#pragma once

#include "containers/spec/options.h"
#include "images/images.h"
#include "store/container-store.h"

typedef struct BerthContainers BerthContainers;
typedef struct BerthContainer BerthContainer;

enum { BERTH_MAX_DESCRIPTORS = 64 };

/* Descriptors that Start and Exec pass to the process: standard streams (-1 for none) and
 * additional named ones (sd_listen_fds(3)). The caller keeps ownership. */
typedef struct {
    int input, output, error;
    unsigned count;
    int descriptors[BERTH_MAX_DESCRIPTORS];
    const char *names[BERTH_MAX_DESCRIPTORS + 1]; /* NULL-terminated */
} BerthContainerStreams;

/* The default: /dev/null for input, the journal for output and error. */
#define BERTH_CONTAINER_NO_STREAMS                                                                 \
    { .input = -1, .output = -1, .error = -1 }

typedef void (*BerthEventObserver)(const BerthEvent *event, BerthContainer *container,
                                   void *userdata);
typedef void (*BerthContainerDone)(const GError *error, void *userdata);
typedef void (*BerthContainerExited)(int status, uint64_t exited_usec, const GError *error,
                                     void *userdata);

/* Registers the observer that receives every event after it has been recorded. */
void berth_containers_observe(BerthContainers *containers, BerthEventObserver observer,
                              void *userdata);

BerthContainer *berth_containers_find(BerthContainers *containers, const char *id, GError **error);
GPtrArray *berth_containers_list(BerthContainers *containers); /* of BerthContainer, oldest first */
/* The same, ordered by id, which is the order of a paged listing. */
GPtrArray *berth_containers_list_by_id(BerthContainers *containers);

const BerthContainerRecord *berth_container_get_record(const BerthContainer *container);
/* Returns true while the first process is being started. */
bool berth_container_is_starting(const BerthContainer *container);
/* "berth-ID.scope", or "" for a container in its caller's cgroup. The container owns the string. */
const char *berth_container_get_scope(const BerthContainer *container);
/* The unit that its processes belong to: its scope, or its caller's unit. The caller frees it. */
char *berth_container_get_unit(const BerthContainer *container);
/* The unit that its scope is bound to, or NULL. The caller frees it. */
char *berth_container_get_bound_unit(const BerthContainer *container);

/* Starts the container and calls done once its command is running. On failure, the LaunchFailed
 * error names the step that failed. */
void berth_container_start(BerthContainer *container, const BerthContainerStreams *streams,
                           BerthContainerDone done, void *userdata);
/* Starts an additional process in the container and calls done once its command is running. */
void berth_container_exec(BerthContainer *container, const BerthExecOptions *options,
                          const BerthContainerStreams *streams, BerthContainerDone done,
                          void *userdata);

/* process is "" for the first process. With all, every process in the container is signalled;
 * process must then be "". */
bool berth_container_kill(BerthContainer *container, const char *process, int signal, bool all,
                          GError **error);
void berth_container_set_paused(BerthContainer *container, bool paused, BerthContainerDone done,
                                void *userdata);

/* Calls exited when a process ("" for the first) has ended; immediately if it already has. */
void berth_container_wait(BerthContainer *container, const char *process,
                          BerthContainerExited exited, void *userdata);
/* Removes the waiter with this userdata without calling it. Returns false if there is none. */
bool berth_containers_forget_wait(BerthContainers *containers, void *userdata);

/* The pid of a process of a container, or 0 if there is no such process. */
uint32_t berth_containers_get_pid(BerthContainers *containers, const char *id, const char *process);

/* Compares pointers to containers by age, the oldest first (g_ptr_array_sort). */
int berth_container_compare_age(gconstpointer a, gconstpointer b);
