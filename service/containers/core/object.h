/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The objects of the core: the service's containers, a container, and a process of it. The core
 * owns them and alone changes their fields; parts read them, and keep what is their own in slots
 * (part.h).
 */

#pragma once

#include "base/charge.h"
#include "base/hold.h"
#include "containers/core/container.h"
#include "systemd/exits.h"
#include "systemd/scope.h"

typedef struct BerthPart BerthPart;
typedef struct BerthProcess BerthProcess;
typedef struct BerthStart BerthStart;

/* A start as its process sees it; start.c has the whole of it. */
struct BerthStart {
    /* The process has ended: answers the caller that started it, and frees the start. */
    void (*settle)(BerthStart *start, int status);
    /* Gives it up for this reason, and kills what it has made; it ends as any that fails. */
    void (*cancel)(BerthStart *start, const GError *reason);
    /* Gives it up without an answer. */
    void (*free)(BerthStart *start);
};

typedef void (*BerthProcessExited)(BerthProcess *process, int status);

struct BerthContainers {
    sd_event *event;
    sd_bus *bus;
    BerthScopes *scopes;
    BerthImages *images;
    BerthDatabase *database;
    int state;     /* the state directory; the caller's */
    int directory; /* containers/ of it */
    char *state_path;
    int program;       /* berth-launch */
    BerthExits *exits; /* of processes that an earlier service started, on older kernels; NULL */
    char boot[40];
    GHashTable *by_id;      /* id → BerthContainer */
    GHashTable *by_pod;     /* name of a pod → the containers in it (pod-index.h) */
    GHashTable *reserved;   /* id of a container that is being created → BerthHold */
    GHashTable *unfinished; /* what waits for a callback → how to free it (unfinished.h); NULL */
    BerthEventObserver observer;
    void *userdata;
    const BerthPart *const *parts; /* in order, NULL-terminated */
    void **slots;                  /* one a part */
};

typedef enum {
    BERTH_PROCESS_FIRST,    /* its record is part of the container's */
    BERTH_PROCESS_EXECUTED, /* it has a row and events of its own */
    BERTH_PROCESS_CHECK,    /* the service's own: no row, no events, forgotten when it ends */
} BerthProcessKind;

/*
 * A process that the service watches to its end. It is being started while it has a start, then
 * runs while its record says so; one that has ended is kept for its status and its terminal.
 */
struct BerthProcess {
    BerthContainer *container;
    BerthProcessKind kind;
    BerthProcessRecord *record; /* the first one's is its container's */
    BerthStart *start;
    char *fd_name; /* in systemd's descriptor store */
    int pidfd;     /* while it runs */
    sd_event_source *watch;
    BerthHold *hold;           /* while it is watched */
    BerthProcessExited exited; /* for the watch */
    BerthCharge *runs, *kept;  /* its owner's: for running, and for what systemd keeps */
    GPtrArray *waiters;
    void **slots; /* one a part */
};

struct BerthContainer {
    BerthContainers *containers;
    BerthContainerRecord record; /* its state is changed by berth_container_set_state() alone */
    char *scope;
    char *cgroup; /* below its caller's; NULL: it has a scope (cgroup.h) */
    int secrets;  /* in memory (secrets.h); -1 for none */
    BerthCharge *secrets_descriptor, *secrets_bytes;
    BerthProcess *first;
    GHashTable *processes; /* id → BerthProcess: those that were executed */
    void **slots;          /* one a part */
};

/* Descriptors that systemd has kept, by name. One that is taken is -1 afterwards. */
typedef struct {
    char **names;
    int *fds;
    unsigned count;
} BerthKeptDescriptors;

/* Adds a container with this record, which it takes over, to the table. */
BerthContainer *berth_container_new(BerthContainers *containers, BerthContainerRecord *record);
void berth_container_free(gpointer container);

/* Opens its configuration and its directory, for a launch. */
bool berth_container_open_files(const BerthContainer *container, int *config, int *directory,
                                GError **error);

/* Its configuration as text; caller frees. */
char *berth_container_read_config(const BerthContainer *container, size_t *size, GError **error);

bool berth_container_is_running(const BerthContainer *container);
/* Whether its first process is being started. */
bool berth_container_is_starting(const BerthContainer *container);
/* Whether one that was executed runs or is being started. They end with the first process, but the
 * end of each is reported on its own. */
bool berth_container_has_executed(const BerthContainer *container);
bool berth_container_check_running(const BerthContainer *container, GError **error);
bool berth_container_check_not_starting(const BerthContainer *container, GError **error);

/* In the record's extra: the caller's cgroup, below which the container's is (Cgroup=caller). */
#define BERTH_CGROUP_PARENT "CgroupParent"
/* And the number of that cgroup, if it is a manager's (systemd/delegated.h). */
#define BERTH_CGROUP_PARENT_MANAGED "CgroupParentManaged"

/* In the record's extra: the unit with which its scope stops (UnitBound). */
#define BERTH_BOUND_UNIT "BoundUnit"

/* In the record's extra: that its first process is not the first of a PID namespace, whose end
 * would be that of all others (pid_namespaces(7)). */
#define BERTH_LEAVES_PROCESSES "LeavesProcesses"

/* Whether it is below its caller's cgroup, and has no scope (cgroup-names.c). */
bool berth_container_is_with_caller(const BerthContainer *container);
/* As systemd/cgroup.h takes it: the name of its scope, or the path of its cgroup. */
const char *berth_container_get_cgroup_name(const BerthContainer *container);
/* After its id has changed. */
void berth_container_update_cgroup_names(BerthContainer *container);

/* The container of a scope, or NULL. */
BerthContainer *berth_containers_find_by_scope(BerthContainers *containers, const char *unit);
