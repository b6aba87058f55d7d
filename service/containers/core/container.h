/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The core of containers: their records, their processes, the one function that changes a
 * container's state, events, and the callers that wait for an end. What else belongs to a running
 * container (networks, terminals, health checks…) are parts that the core does not know; part.h.
 *
 * This is what users of the core see; the objects themselves are in object.h.
 */

#pragma once

#include "containers/spec/options.h"
#include "images/images.h"
#include "store/container-store.h"

typedef struct BerthContainers BerthContainers;
typedef struct BerthContainer BerthContainer;

enum { BERTH_MAX_DESCRIPTORS = 64 };

/* What Start and Exec pass on: descriptors or -1, and further ones with names (sd_listen_fds(3)).
 * They remain the caller's. */
typedef struct {
    int input, output, error;
    unsigned count;
    int descriptors[BERTH_MAX_DESCRIPTORS];
    const char *names[BERTH_MAX_DESCRIPTORS + 1]; /* NULL-terminated */
} BerthContainerStreams;

/* The initial value: /dev/null and the journal. */
#define BERTH_CONTAINER_NO_STREAMS                                                                 \
    { .input = -1, .output = -1, .error = -1 }

typedef void (*BerthEventObserver)(const BerthEvent *event, BerthContainer *container,
                                   void *userdata);
typedef void (*BerthContainerDone)(const GError *error, void *userdata);
typedef void (*BerthContainerExited)(int status, uint64_t exited_usec, const GError *error,
                                     void *userdata);

/* All events are passed to the observer, after they have been recorded. */
void berth_containers_observe(BerthContainers *containers, BerthEventObserver observer,
                              void *userdata);

BerthContainer *berth_containers_find(BerthContainers *containers, const char *id, GError **error);
GPtrArray *berth_containers_list(BerthContainers *containers); /* of BerthContainer, oldest first */
/* The same in the order of their ids, which is that of pages. */
GPtrArray *berth_containers_list_by_id(BerthContainers *containers);

const BerthContainerRecord *berth_container_get_record(const BerthContainer *container);
/* "berth-ID.scope"; "" for one in its caller's cgroup. The container's. */
const char *berth_container_get_scope(const BerthContainer *container);
/* The unit that its processes belong to: its scope, or its caller's unit. Caller frees. */
char *berth_container_get_unit(const BerthContainer *container);
/* The unit that its scope is bound to, or NULL; caller frees. */
char *berth_container_get_bound_unit(const BerthContainer *container);

/* Starts it; done is called once its command runs. LaunchFailed names the step. */
void berth_container_start(BerthContainer *container, const BerthContainerStreams *streams,
                           BerthContainerDone done, void *userdata);
/* Starts a further process in it; done is called once its command runs. */
void berth_container_exec(BerthContainer *container, const BerthExecOptions *options,
                          const BerthContainerStreams *streams, BerthContainerDone done,
                          void *userdata);

/* process: "" for the first. all: every process in the container; process is "" then. */
bool berth_container_kill(BerthContainer *container, const char *process, int signal, bool all,
                          GError **error);
void berth_container_set_paused(BerthContainer *container, bool paused, BerthContainerDone done,
                                void *userdata);

/* Calls exited when a process ("" for the first) has ended, at once if it has already. */
void berth_container_wait(BerthContainer *container, const char *process,
                          BerthContainerExited exited, void *userdata);
/* Drops a waiter by its userdata, without calling it; false if there is none. */
bool berth_containers_forget_wait(BerthContainers *containers, void *userdata);

/* The pid of a process of a container; 0 if there is none. */
uint32_t berth_containers_get_pid(BerthContainers *containers, const char *id, const char *process);
