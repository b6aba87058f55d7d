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
#include "systemd/cgroup.h"
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
    const char *user_namespace; /* "auto" or "host" */
    const char *restart;        /* "no", "on-failure", "always" */
    const char *spec;           /* a whole OCI runtime configuration; image may then be "" */
    int root_directory;         /* of the caller's, instead of an image; -1 */
    char **capabilities_add, **capabilities_drop;
    char **labels;
    GPtrArray *mounts; /* of BerthMountRequest; NULL for none */
    char **ports;      /* "[IP:]HOST:CONTAINER[/PROTOCOL]" */
    char **devices;    /* "/dev/NODE[:PATH[:rwm]]", or names of CDI */
    int read_only, auto_remove, terminal, autostart;
    const char *creator; /* on the bus: without him it goes before it is started; NULL: it stays */
    char **health_command; /* as Docker's Test: "CMD", …, "CMD-SHELL", TEXT or "NONE" */
    uint64_t health_interval_usec, health_timeout_usec, health_start_usec, health_retries;
    bool has_stop_timeout;
    uint64_t stop_timeout_usec; /* 0: it is killed at once */
    GVariant *properties;       /* a{sv}: limits, as systemd's properties; NULL for none */
} BerthContainerOptions;

/* What Exec takes; NULL for what the container's own process has. */
typedef struct {
    const char *process; /* its id */
    const char *spec;    /* a whole process of the runtime specification to begin with; or NULL */
    char **command;      /* may be empty with that */
    char **environment;  /* added */
    const char *working_directory, *user;
    int terminal;
    uint32_t rows, columns;
    char **capabilities_add;
    int no_new_privileges; /* also where the container's own process may gain some */
    bool quiet;            /* the service's own check: nobody is told of it */
    bool by_root;          /* the limits of the owner of the container do not hold */
} BerthExecOptions;

enum { BERTH_MAX_DESCRIPTORS = 64 };

/* What Start takes: descriptors or -1, and further ones with names (sd_listen_fds(3)). They stay
 * the caller's. */
typedef struct {
    int input, output, error;
    unsigned count;
    int descriptors[BERTH_MAX_DESCRIPTORS];
    const char *names[BERTH_MAX_DESCRIPTORS + 1]; /* ends with NULL */
} BerthContainerStreams;

/* What it begins as: /dev/null and the journal. */
#define BERTH_CONTAINER_NO_STREAMS                                                                 \
    { .input = -1, .output = -1, .error = -1 }

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

/* Makes it; what options weaken of the isolation is told by containers/privileges.h. */
void berth_container_create(BerthContainers *containers, const BerthContainerOptions *options,
                            BerthContainerCreated done, void *userdata);

/* Starts it; done once its command runs. LaunchFailed names the step. */
void berth_container_start(BerthContainer *container, const BerthContainerStreams *streams,
                           BerthContainerDone done, void *userdata);

/* Another process in it; done once its command runs. */
void berth_container_exec(BerthContainer *container, const BerthExecOptions *options,
                          const BerthContainerStreams *streams, BerthContainerDone done,
                          void *userdata);

/* process: "" for the first. all: every process, whatever process is. */
bool berth_container_kill(BerthContainer *container, const char *process, int signal, bool all,
                          GError **error);

/* What who is attached to a terminal has: the master, which is non-blocking, and what base/screen.h
 * tells of. */
typedef struct {
    int master, screen, bell;
} BerthAttachment;
/* The attachment is the callee's to duplicate; NULL with error. */
typedef void (*BerthAttached)(const BerthAttachment *attachment, const GError *error,
                              void *userdata);

/* For a client of the bus, by its unique name, until it leaves. alone: it reads the master by
 * itself, past the screen. */
void berth_container_attach(BerthContainer *container, const char *process, const char *client,
                            bool alone, BerthAttached done, void *userdata);
bool berth_container_detach(BerthContainer *container, const char *process, const char *client,
                            GError **error);
/* A client has left the bus. */
void berth_containers_forget_client(BerthContainers *containers, const char *client);
bool berth_container_resize(BerthContainer *container, const char *process, uint32_t rows,
                            uint32_t columns, GError **error);
/* Sends the end of file that the terminal knows. What is no terminal is the caller's to close. */
void berth_container_close_stdin(BerthContainer *container, const char *process,
                                 BerthContainerDone done, void *userdata);

/* Writes what runs in it to disk, by CRIU; Unsupported where it cannot. It ends then, unless it is
 * left running. */
void berth_container_checkpoint(BerthContainer *container, bool leave_running,
                                BerthContainerDone done, void *userdata);
/* Starts it where its last checkpoint left it. */
void berth_container_restore(BerthContainer *container, const BerthContainerStreams *streams,
                             BerthContainerDone done, void *userdata);

void berth_container_set_paused(BerthContainer *container, bool paused, BerthContainerDone done,
                                void *userdata);

/* Changes limits, now and for later starts. changed: a{sv} of names whose type
 * berth_container_property_get_type tells. */
void berth_container_update(BerthContainer *container, GVariant *changed, BerthContainerDone done,
                            void *userdata);
const char *berth_container_property_get_type(const char *name);
/* Whether it needs a privilege: others have less of something for it. */
bool berth_container_property_reserves(const char *name);

/* Restart= does not count any more until it is started again. */
void berth_container_forbid_restart(BerthContainer *container);

/* Asks it to stop, and after the time-out kills it. timeout_usec UINT64_MAX: as it was created. */
void berth_container_stop(BerthContainer *container, uint64_t timeout_usec);

/* Told when a process of it ("" for the first) has ended, or at once. */
void berth_container_wait(BerthContainer *container, const char *process,
                          BerthContainerExited exited, void *userdata);
/* Whoever waits with this userdata is not told any more; false where nobody does. */
bool berth_containers_forget_wait(BerthContainers *containers, void *userdata);

/* A process in it, as the host sees it; process is the id of one that Exec made, or "". */
typedef struct {
    uint32_t pid, uid;
    char *process, *command;
} BerthProcessInfo;

/* Of BerthProcessInfo. */
GPtrArray *berth_container_list_processes(BerthContainer *container, GError **error);
bool berth_container_read_stats(BerthContainer *container, BerthCgroupStats *stats, GError **error);
/* All that is known of it, its OCI runtime configuration among that, as JSON. Caller frees. */
char *berth_container_inspect(BerthContainer *container, GError **error);

/* "" without a health check, "starting", "healthy" or "unhealthy" while it runs. */
const char *berth_container_get_health(const BerthContainer *container);
/* Addresses in its network; "[IP:]HOST:CONTAINER/PROTOCOL" of what is passed on to it. Freed with
 * g_strfreev. */
char **berth_container_list_addresses(BerthContainer *container);
char **berth_container_list_ports(const BerthContainer *container);
/* "80/tcp": what its image says to listen on; freed with g_strfreev. */
char **berth_container_list_exposed_ports(const BerthContainer *container);

/* Of a process of a container; 0 where there is none. */
uint32_t berth_containers_get_pid(BerthContainers *containers, const char *id, const char *process);

/* Gives it another id; FailedPrecondition while it runs. */
bool berth_container_rename(BerthContainer *container, const char *id, GError **error);

/* The bytes of labels of all containers of an owner. */
uint64_t berth_containers_sum_labels(BerthContainers *containers, uint32_t owner);

/* Removes it, and answers its last exit, at once if nothing runs in it. FailedPrecondition while it
 * runs, except with force, which kills it and takes back what begins in it. */
void berth_container_remove(BerthContainer *container, bool force, BerthContainerExited removed,
                            void *userdata);
