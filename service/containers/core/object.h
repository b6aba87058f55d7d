/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The objects of the core: the service's containers, a container, and one of its processes. The
 * core owns them and is the only one to change their fields. Parts read them, and keep their own
 * state in slots (part.h).
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

/* A start in progress, as its process sees it. start.c has the whole object. */
struct BerthStart {
    /* The process has ended: replies to the caller of the start, and frees the start. */
    void (*settle)(BerthStart *start, int status);
    /* Aborts the start for this reason and kills the process that it has created. The start then
     * ends like any other that fails. */
    void (*cancel)(BerthStart *start, const GError *reason);
    /* Aborts the start without a reply. */
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
    int directory; /* containers/ in the state directory */
    char *state_path;
    int program;       /* berth-launch */
    BerthExits *exits; /* for exits of an earlier instance's processes, on older kernels; or NULL */
    char boot[40];
    bool scopes_unknown; /* systemd has not listed the scopes of the instance before (recover.c) */
    GHashTable *by_id;   /* id → BerthContainer */
    GHashTable *by_number; /* the same containers, by number (handle.h) */
    uint64_t last_number;
    GHashTable *by_pod;     /* name of a pod → the containers in it (pod-index.h) */
    GHashTable *reserved;   /* id of a container that is being created → BerthHold */
    GHashTable *unfinished; /* object → its free function (unfinished.h); NULL if there is none */
    BerthEventObserver observer;
    void *userdata;
    const BerthPart *const *parts; /* in calling order; NULL-terminated */
    void **slots;                  /* one per part */
};

typedef enum {
    BERTH_PROCESS_FIRST,    /* its record is part of the container's */
    BERTH_PROCESS_EXECUTED, /* it has its own row and events */
    BERTH_PROCESS_CHECK,    /* the service's own: no row, no events, removed when it ends */
} BerthProcessKind;

/*
 * A process that the service watches until it ends. It is starting while start is set, and running
 * while its record says so. A process that has ended is kept for its status and its terminal.
 */
struct BerthProcess {
    BerthContainer *container;
    BerthProcessKind kind;
    BerthProcessRecord *record; /* for the first process, part of the container's record */
    BerthStart *start;
    char *fd_name; /* in systemd's descriptor store */
    int pidfd;     /* valid while it runs */
    sd_event_source *watch;
    BerthHold *hold;           /* set while it is watched */
    BerthProcessExited exited; /* the watch's callback */
    BerthCharge *runs, *kept;  /* to its owner: running, and descriptors kept by systemd */
    GPtrArray *waiters;
    void **slots; /* one per part */
};

struct BerthContainer {
    BerthContainers *containers;
    uint64_t number;             /* unique in this instance of the service (handle.h) */
    BerthContainerRecord record; /* its state is changed only by berth_container_set_state() */
    char *scope;
    char *cgroup; /* below its caller's; NULL if it has a scope (cgroup.h) */
    int secrets;  /* a file in memory (secrets.h); -1 for none */
    /* How often something has begun to write in it: starts, resumptions, copies into it. */
    uint64_t changes;
    BerthCharge *secrets_descriptor, *secrets_bytes;
    BerthProcess *first;
    GHashTable *processes; /* id → BerthProcess, of executed processes */
    void **slots;          /* one per part */
};

/* Descriptors that systemd has kept, with their names. An entry is set to -1 when it is taken. */
typedef struct {
    char **names;
    int *fds;
    unsigned count;
} BerthKeptDescriptors;

/* Adds a container with this record to the table. The contents of the record are moved. */
BerthContainer *berth_container_new(BerthContainers *containers, BerthContainerRecord *record);
void berth_container_free(gpointer container);

/* Opens the container's compiled set-up and its directory, for a launch. The caller owns both
 * descriptors. */
bool berth_container_open_files(const BerthContainer *container, int *config, int *directory,
                                GError **error);

/* Reads its configuration as text. The caller frees it. */
char *berth_container_read_config(const BerthContainer *container, size_t *size, GError **error);

bool berth_container_is_running(const BerthContainer *container);
/* Returns true while an executed process is running or being started. Executed processes end with
 * the first one, but each end is reported separately. */
bool berth_container_has_executed(const BerthContainer *container);
bool berth_container_check_running(const BerthContainer *container, GError **error);
bool berth_container_check_not_starting(const BerthContainer *container, GError **error);

/* In the record's extra: the caller's cgroup, which is the parent of the container's
 * (Cgroup=caller). */
#define BERTH_CGROUP_PARENT "CgroupParent"
/* In the record's extra: the id of that cgroup, if a manager other than systemd has created it
 * (systemd/delegated.h). */
#define BERTH_CGROUP_PARENT_MANAGED "CgroupParentManaged"

/* In the record's extra: the unit whose stop also stops the scope (option UnitBound). */
#define BERTH_BOUND_UNIT "BoundUnit"

/* In the record's extra: set if the first process is not the first of a PID namespace. If it were,
 * its end would kill all other processes (pid_namespaces(7)). */
#define BERTH_LEAVES_PROCESSES "LeavesProcesses"

/* Returns true if the container is below its caller's cgroup and has no scope (cgroup-names.c). */
bool berth_container_is_with_caller(const BerthContainer *container);
/* The name of its scope or the path of its cgroup, in the form that systemd/cgroup.h takes. */
const char *berth_container_get_cgroup_name(const BerthContainer *container);
/* Must be called after its id has changed. */
void berth_container_update_cgroup_names(BerthContainer *container);

/* The container that has this scope, or NULL. */
BerthContainer *berth_containers_find_by_scope(BerthContainers *containers, const char *unit);
