/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Containers: from Create to Delete. Each is a record in berth.db, a directory with its OCI runtime
 * configuration and its writable layer, and, while it runs, a scope of systemd and a pidfd that
 * systemd keeps for the service. Whatever happens to a container is an event with a sequence
 * number.
 */

#pragma once

#include "images/images.h"
#include "store/container-store.h"
#include "systemd/scope.h"

typedef struct BerthContainers BerthContainers;
typedef struct BerthContainer BerthContainer;

/* What Create takes; vectors and strings may be NULL for the image's own. */
typedef struct {
    const char *id; /* "" for one that is made up */
    const char *image;
    uint32_t owner;
    char **command;
    char **environment; /* added to the image's */
    const char *working_directory, *user, *hostname, *network, *seccomp, *slice, *stop_signal;
    char **capabilities_add, **capabilities_drop;
    char **labels;
    int read_only, auto_remove;
    uint64_t memory_max, tasks_max, cpu_quota_usec, cpu_weight, stop_timeout_usec;
} BerthContainerOptions;

/* What Start takes: descriptors or -1. They stay the caller's. */
typedef struct {
    int input, output, error;
} BerthContainerStreams;

typedef void (*BerthEventObserver)(const BerthEvent *event, BerthContainer *container,
                                   void *userdata);

BerthContainers *berth_containers_new(sd_bus *bus, int directory, BerthImages *images,
                                      GError **error);
void berth_containers_free(BerthContainers *containers);
void berth_containers_observe(BerthContainers *containers, BerthEventObserver observer,
                              void *userdata);

/* Finds again what was running, with the pidfds that systemd kept: names and descriptors, which are
 * taken over. Called once, before anything else is done with containers. */
bool berth_containers_recover(BerthContainers *containers, char **names, int *fds, unsigned count,
                              GError **error);

BerthContainer *berth_containers_find(BerthContainers *containers, const char *id, GError **error);
GPtrArray *berth_containers_list(BerthContainers *containers); /* of BerthContainer */
/* Containers that run or are about to, which keep the service from exiting. */
unsigned berth_containers_count_active(BerthContainers *containers);

const BerthContainerRecord *berth_container_get_record(const BerthContainer *container);
/* "berth-ID.scope"; the container's. */
const char *berth_container_get_scope(const BerthContainer *container);

typedef void (*BerthContainerCreated)(BerthContainer *container, const GError *error,
                                      void *userdata);
typedef void (*BerthContainerDone)(const GError *error, void *userdata);
typedef void (*BerthContainerExited)(int status, uint64_t exited_usec, const GError *error,
                                     void *userdata);

/* Makes it; what an option weakens of the isolation is told by berth_container_options_weaken. */
void berth_container_create(BerthContainers *containers, const BerthContainerOptions *options,
                            BerthContainerCreated done, void *userdata);

/* What of these options needs create-privileged, in words for the person asked; NULL for nothing.
 * Caller frees. */
char *berth_container_options_weaken(const BerthContainerOptions *options);

/* Starts it; done once its command runs. LaunchFailed names the step. */
void berth_container_start(BerthContainer *container, const BerthContainerStreams *streams,
                           BerthContainerDone done, void *userdata);

bool berth_container_kill(BerthContainer *container, int signal, bool all, GError **error);

/* Asks it to stop, and after the time-out kills it. timeout_usec UINT64_MAX: as it was created. */
void berth_container_stop(BerthContainer *container, uint64_t timeout_usec);

/* Told when it has ended, or at once. */
void berth_container_wait(BerthContainer *container, BerthContainerExited exited, void *userdata);
/* Whoever waits with this userdata is not told any more; false where nobody does. */
bool berth_containers_forget_wait(BerthContainers *containers, void *userdata);

/* Removes it; FailedPrecondition while it runs. The record's last status is valid until it returns.
 */
bool berth_container_delete(BerthContainer *container, GError **error);
