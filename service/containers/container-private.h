/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of this folder share. */

#pragma once

#include "base/charge.h"
#include "containers/containers.h"
#include "containers/devices.h"
#include "containers/launch.h"
#include "containers/screens.h"
#include "containers/terminal.h"
#include "plan/plan.h"
#include "systemd/exits.h"

typedef struct BerthDisk BerthDisk;

struct BerthContainers {
    sd_event *event;
    sd_bus *bus;
    BerthScopes *scopes;
    BerthImages *images;
    BerthDatabase *database;
    int directory;         /* containers/ of the state directory */
    int volumes, networks; /* volumes/ and networks/ of it */
    char *state_path;
    int program, copy_program; /* berth-launch, berth-copy */
    GPtrArray *helpers;        /* at work; helper.c */
    GPtrArray *terminals;      /* BerthTerminal */
    BerthExits *exits;         /* of what an earlier service started, on older kernels; NULL */
    BerthScreens *screens;
    BerthDisk *disk;
    sd_bus_slot *machined; /* a start of it */
    char boot[40];
    GHashTable *by_id; /* id → BerthContainer */
    GHashTable *taken; /* ids of containers that are being made */
    BerthEventObserver observer;
    void *userdata;
};

typedef struct BerthHealth BerthHealth;

/* A process that the service watches: the container's first one, or one that was executed in it. */
typedef struct {
    BerthContainer *container;
    char *fd_name;           /* in systemd's descriptor store */
    int pidfd;               /* while it runs */
    BerthTerminal *terminal; /* NULL without one; kept when it has ended */
    sd_event_source *watch;
    BerthLaunch *launch; /* while it is being started */
    bool born;           /* by that launch */
    bool restoring;      /* that launch brings it back from a checkpoint */
    bool quiet;          /* the service's own: no row, no events, forgotten when it ends */
    BerthCharge *runs, *kept, *kept_terminal; /* its owner's: it runs, and what systemd keeps */
    GPtrArray *waiters;
    GPtrArray *attaching;       /* who attaches before it has its terminal; terminal.c */
    BerthContainerDone started; /* for the launch */
    void *userdata;
    BerthProcessRecord *record; /* the first one's is part of its container's record */
} BerthProcess;

struct BerthContainer {
    BerthContainers *containers;
    BerthContainerRecord record;
    char *scope;
    BerthProcess *first;
    GHashTable *processes; /* id → BerthProcess */
    sd_event_source *stop_timer, *restart_timer;
    sd_bus_track *creator; /* until it is started, where that matters; provisional.c */
    bool checkpointing;    /* its processes are being written to disk */
    unsigned restarts;     /* one after the other, for the back-off */
    BerthHealth *health;   /* while it runs and has a check */
    sd_event_source *oom_watch, *oom_recount;
    unsigned oom_recounts; /* left after the last notice */
    uint64_t oom_kills;
    GPtrArray *removal; /* who is told when it is removed, from when that began; NULL; remove.c */
    GArray *ports;      /* sockets that hold its host ports, from before it starts; ports.c */
};

/* A container of a record, which is taken over; in the table. */
BerthContainer *berth_container_new(BerthContainers *containers, BerthContainerRecord *record);
void berth_container_free(gpointer container);

/* The container whose scope is the unit, or NULL. */
BerthContainer *berth_containers_find_by_scope(BerthContainers *containers, const char *unit);

/* Its configuration and its directory, for a launch. */
bool berth_container_open_files(const BerthContainer *container, int *config, int *directory,
                                GError **error);

/* Writes the record and tells of the event, in this order. */
bool berth_container_change(BerthContainer *container, const char *event, GError **error);
/* Tells of an event that is recorded already. */
void berth_container_tell(BerthContainer *container, uint64_t sequence);
bool berth_container_is_running(const BerthContainer *container);
bool berth_container_check_running(const BerthContainer *container, GError **error);
/* checkpoint.c: Busy while it is checkpointed. */
bool berth_container_check_whole(const BerthContainer *container, GError **error);

/* disk.c: bytes on disk of users' containers and volumes. */
BerthDisk *berth_disk_new(BerthContainers *containers);
void berth_disk_free(BerthDisk *disk);
bool berth_disk_is_busy(const BerthDisk *disk);
/* Measures a container and its volumes in the background. */
void berth_disk_measure(BerthContainer *container);
/* LimitExceeded if the owner has all that it may have. */
bool berth_disk_check(BerthContainers *containers, uint32_t owner, GError **error);

/* remove.c. Removes it from the loop, once nothing runs in it; nothing is started in it from now
 * on. */
void berth_container_remove_soon(BerthContainer *container);
/* Something in it has ended: the removal may be possible now, if there is one. */
void berth_container_go_on_removing(BerthContainer *container);
/* Busy if it is being removed. */
bool berth_container_check_kept(const BerthContainer *container, GError **error);
/* Its row and what it has on disk; nothing may run in it. */
bool berth_container_delete(BerthContainer *container, GError **error);

/* Its first process has ended: everything that follows from it. */
void berth_container_set_exited(BerthContainer *container, int status);
/* The same for another one; exec.c. */
void berth_process_set_exited(BerthProcess *process, int status);

/* LimitExceeded where a user may not have what one more process takes; exec: one that is executed.
 */
bool berth_process_check_charge(uint32_t uid, bool terminal, bool exec, GError **error);
/* process.c. record: taken over, except the first one's. */
bool berth_process_is_first(const BerthProcess *process);
BerthProcess *berth_process_new(BerthContainer *container, BerthProcessRecord *record);
void berth_process_free(gpointer process);
/* "" for the first. */
BerthProcess *berth_container_find_process(BerthContainer *container, const char *id,
                                           GError **error);
/* Watches a running process to its end. Takes pidfd over. */
bool berth_process_watch(BerthProcess *process, int pidfd, GError **error);
/* Stops watching; its descriptor is kept by nobody any more. */
void berth_process_forget(BerthProcess *process);
void berth_process_answer_waiters(BerthProcess *process, int status, uint64_t exited_usec);
void berth_process_fail_waiters(BerthProcess *process, const GError *error);
/* Keeps the master of its terminal, here and with systemd; takes it over. */
void berth_process_set_terminal(BerthProcess *process, int master);
void berth_process_drop_terminal(BerthProcess *process);
/* terminal.c. Who waits for the terminal gets it, or the error. */
GPtrArray *berth_process_new_attaching(void);
void berth_process_answer_attaching(BerthProcess *process, const GError *error);
/* Pidfds and masters that systemd had, by name. */
typedef struct {
    char **names;
    int *fds;
    unsigned count;
} BerthKeptDescriptors;
/* The pidfd of a process that should run and still does, as it was kept or opened again; -1. Its
 * terminal, if it was kept, becomes the process's. */
int berth_process_find_again(BerthProcess *process, const BerthKeptDescriptors *kept);

/* ports.c: those of one that still runs, as they were kept or bound again. */
void berth_container_find_ports(BerthContainer *container, const BerthKeptDescriptors *kept);

/* exec.c: finds the processes again that were executed in containers. */
bool berth_processes_recover(BerthContainers *containers, const BerthKeptDescriptors *kept,
                             GError **error);

/* health.c: what Create says of checks, for the record (a{sv}); NULL for none. */
GVariant *berth_health_make_options(const BerthContainerOptions *options,
                                    const BerthImageInfo *image);
void berth_container_start_health(BerthContainer *container);
void berth_container_stop_health(BerthContainer *container);

/* machines.c: tells systemd-machined, if it runs, of a container that runs (what it knows already
 * it keeps), and of all of them whenever it starts. */
void berth_container_register_machine(BerthContainer *container);
bool berth_machines_watch(BerthContainers *containers, GError **error);

/* provisional.c: who made it, in what is kept of it (NULL: no matter); he is watched from its
 * making, or from when it was found again, until it is started, which then is recorded. */
void berth_provisional_note(GVariantDict *extra, const char *creator);
void berth_provisional_watch(BerthContainer *container);
void berth_provisional_keep(BerthContainer *container);

/* oom.c: tells when the out-of-memory killer was there, while it runs. */
void berth_container_watch_oom(BerthContainer *container);
void berth_container_look_for_oom(BerthContainer *container);
void berth_container_stop_watching_oom(BerthContainer *container);

/* logging.c: the fields of its entries in the journal, from before it starts until what it wrote
 * has been taken up. */
void berth_container_set_log_fields(BerthContainer *container);
void berth_container_drop_log_fields(BerthContainer *container);
/* Those of what does not run any more. */
void berth_containers_sweep_log_fields(BerthContainers *containers);

/* network.c. Whether its network is one of CNI's. */
bool berth_container_has_network(const BerthContainer *container);
/* Leaves the network that it was in as process pid, in a process of its own. */
void berth_network_leave(BerthContainers *containers, const char *id, uint32_t pid);
/* Leaves those of what does not run any more. */
void berth_networks_recover(BerthContainers *containers);

/* rename.c: moves directories that a rename left where they were. */
void berth_renames_recover(BerthContainers *containers);
/* The names of a process in the descriptor store, after its container's. */
void berth_process_take_name(BerthProcess *process);

/* helper.c: the list of them; Busy where there is one for this container. Starting one: what is the
 * request's own is program, name, mode, arguments and streams, and target and snapshots where they
 * are not those of a start (-1). what: "copied", for that answer. */
GPtrArray *berth_helpers_new(void);
bool berth_container_check_idle(const BerthContainer *container, GError **error);
bool berth_helpers_have(const BerthContainer *container);
/* Ends those of this container; they are gone when they have told of it. */
void berth_helpers_cancel(BerthContainer *container, const GError *error);
bool berth_helper_start(BerthContainer *container, const BerthLaunchRequest *wanted,
                        const char *what, BerthContainerDone done, void *userdata, GError **error);

/* checkpoint.c: when the last one was written, in µs; 0 without one. */
uint64_t berth_checkpoint_find(const BerthContainer *container);
/* Unsupported where there is no CRIU. */
bool berth_checkpoint_check_criu(GError **error);

/* restart.c: starts it again where Restart= says so. */
void berth_container_restart_if_wanted(BerthContainer *container);
void berth_container_cancel_restart(BerthContainer *container);

/* ids.c: the first of 65536 host ids that nobody uses; 0 with error. */
uint32_t berth_ids_allocate(BerthContainers *containers, const char *id, GError **error);
enum { BERTH_IDS_COUNT = 65536 };

/* create.c: whether the options, with nothing left to a default, are well formed; what is there
 * already is not looked at. A configuration is made of such alone. */
bool berth_container_options_check(const BerthContainerOptions *options, GError **error);

/* The OCI runtime configuration of options on an image, as JSON. */
typedef struct {
    char *const *chain;    /* names of the layers' directories, topmost first */
    uint32_t ids;          /* the first host id, or 0 for the host's own */
    const char *directory; /* the container's, as a path */
    const BerthDeviceEdits *edits;
} BerthSpecContext;

char *berth_spec_format(const BerthContainerOptions *options, const BerthImageInfo *image,
                        const BerthSpecContext *context, GError **error);

/* Whether the variable of an assignment, NAME=VALUE, is there. */
bool berth_spec_has_variable(char *const *environment, const char *assignment);

/* Whether seccomp is a profile and not the name of one; whether the command is an init system. */
bool berth_spec_is_profile(const char *seccomp);
bool berth_spec_is_system(const BerthContainerOptions *options, const BerthImageInfo *image);

/* Whether a configuration masks all that Berth's own do, and has as much read-only. */
bool berth_spec_hides_as_default(const BerthPlan *plan);

/* A configuration of the caller's, with where its root is: layers, or a directory. */
char *berth_spec_complete(const char *text, char *const *chain, const char *root, const char *inode,
                          GError **error);

/* capabilities.c: those of a container: the defaults, without those dropped, with those added; adds
 * one to a set of the kernel's names, with or without "CAP_", "ALL" being all; whether all are
 * known; and tells the journal of those that are not, of a caller's own configuration. */
char **berth_capabilities_make(const BerthContainerOptions *options);
void berth_capabilities_add(GPtrArray *set, const char *name);
bool berth_capabilities_check(char *const *names, GError **error);
void berth_capabilities_warn(const char *id, const GPtrArray *unknown);

/* The configuration of a container with another process in it, and what that executes. */
char *berth_spec_format_exec(const char *text, size_t size, const BerthExecOptions *options,
                             char ***command, GError **error);
/* The options alone as a plan, as if they were of a container that says nothing; NULL for what
 * format_exec refuses, too. */
BerthPlan *berth_spec_parse_exec(const BerthExecOptions *options);
