/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The records of containers, their processes, their events, and volumes. */

#pragma once

#include "store/database.h"

typedef enum {
    BERTH_CONTAINER_CREATED,
    BERTH_CONTAINER_RUNNING,
    BERTH_CONTAINER_PAUSED,
    BERTH_CONTAINER_STOPPED,
} BerthContainerState;

/* Whether a container is started again when it ends without having been stopped by a client. */
typedef enum {
    BERTH_RESTART_NO,
    BERTH_RESTART_ON_FAILURE, /* after a status other than 0 */
    BERTH_RESTART_ALWAYS,
} BerthRestartPolicy;

/* The exit status of a process whose end was not observed. */
#define BERTH_STATUS_UNKNOWN (-1)

/* A process of a container: its first one, whose record is part of the container's row, or one that
 * was executed in it, which has a row of its own. */
typedef struct {
    char *container, *id; /* id: "" for the first */
    char *command;        /* of one that was executed; NULL for the first */
    char *boot;           /* the boot ID under which it was started; NULL if it never was */
    uint32_t pid;
    uint64_t pid_start; /* field 22 of /proc/PID/stat; differs if the pid was reused */
    uint64_t started_usec, exited_usec;
    bool running;
    int status;
} BerthProcessRecord;

typedef struct {
    char *id, *image;
    uint32_t owner; /* uid */
    BerthContainerState state;
    uint64_t created_usec;
    BerthProcessRecord first;
    char *chain_id; /* of its image, the snapshots it stands on */
    char **labels;
    /* How it is run and stopped: the options of Create. */
    char *slice;
    int stop_signal;
    uint64_t stop_timeout_usec;
    bool auto_remove, autostart, terminal, systemd;
    bool poststop; /* its configuration has hooks for its end */
    BerthRestartPolicy restart;
    bool wanted;          /* started, and not stopped by anybody: the restart policy applies */
    uint32_t ids;         /* the first host id of its user namespace; 0 for none of its own */
    GVariant *properties; /* a{sv} for its scope; NULL for none */
    char *network;        /* "none", "host" or a CNI network's name */
    char *root;           /* a directory it runs in instead of an image; "" */
    GVariant *extra;      /* a{sv}: what only one part of the service knows; NULL for none */
} BerthContainerRecord;

typedef struct {
    uint64_t sequence;
    char *kind, *id, *process;
    uint32_t pid, owner;
    int status;
    uint64_t time_usec;
} BerthEvent;

void berth_container_record_clear(BerthContainerRecord *record);

/* A value of extra, freed with g_variant_unref; NULL if there is none of this type. */
GVariant *berth_container_record_get_extra(const BerthContainerRecord *record, const char *key,
                                           const GVariantType *type);
/* value, if it floats, becomes the record's; NULL: none from now on. Nothing is written. */
void berth_container_record_set_extra(BerthContainerRecord *record, const char *key,
                                      GVariant *value);

void berth_event_free(BerthEvent *event);

const char *berth_container_state_get_name(BerthContainerState state);

/* "no", "on-failure", "always". */
const char *berth_restart_policy_get_name(BerthRestartPolicy policy);
bool berth_restart_policy_parse(const char *name, BerthRestartPolicy *policy);

/* Writes the whole record, and in the same transaction an event (kind may be NULL); the event's
 * sequence is returned through sequence. */
bool berth_container_store_put(BerthDatabase *database, const BerthContainerRecord *record,
                               const char *kind, uint64_t *sequence, GError **error);
bool berth_container_store_delete(BerthDatabase *database, const BerthContainerRecord *record,
                                  uint64_t *sequence, GError **error);
/* The same for a process, with an event of its container. */
bool berth_container_store_put_process(BerthDatabase *database, const BerthProcessRecord *process,
                                       uint32_t owner, const char *kind, uint64_t *sequence,
                                       GError **error);
bool berth_container_store_delete_process(BerthDatabase *database, const char *container,
                                          const char *id, GError **error);
void berth_process_record_free(BerthProcessRecord *process);
/* Of BerthProcessRecord: of all containers. */
GPtrArray *berth_container_store_list_processes(BerthDatabase *database, GError **error);
/* Volumes: name, owner, created of all. */
typedef struct {
    char *name;
    uint32_t owner;
    uint64_t created_usec;
} BerthVolume;
void berth_volume_free(gpointer volume);

/* Of BerthVolume, in the order of names. */
GPtrArray *berth_container_store_list_volumes(BerthDatabase *database, GError **error);
bool berth_container_store_add_volume(BerthDatabase *database, const char *name, uint32_t owner,
                                      GError **error);
bool berth_container_store_remove_volume(BerthDatabase *database, const char *name, GError **error);
/* The same record under another id, with its processes and labels; reported as deleted and
 * created. */
bool berth_container_store_rename(BerthDatabase *database, const BerthContainerRecord *record,
                                  const char *id, uint64_t *deleted, uint64_t *created,
                                  GError **error);
/* An event that changes no record. */
bool berth_container_store_add_event(BerthDatabase *database, const BerthContainerRecord *record,
                                     const char *kind, uint64_t *sequence, GError **error);
/* Of BerthContainerRecord. */
GPtrArray *berth_container_store_list(BerthDatabase *database, GError **error);

/* Events after sequence, oldest first, at most limit. */
GPtrArray *berth_container_store_events_since(BerthDatabase *database, uint64_t sequence,
                                              unsigned limit, GError **error);
BerthEvent *berth_container_store_get_event(BerthDatabase *database, uint64_t sequence);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthEvent, berth_event_free)
