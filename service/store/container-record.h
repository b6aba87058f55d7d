/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is stored about a container and its processes. */

#pragma once

#include "base/error.h"

typedef enum {
    BERTH_CONTAINER_CREATED,
    BERTH_CONTAINER_RUNNING,
    BERTH_CONTAINER_PAUSED,
    BERTH_CONTAINER_STOPPED,
} BerthContainerState;

/* Whether a container is started again if it exits without having been stopped by a client. */
typedef enum {
    BERTH_RESTART_NO,
    BERTH_RESTART_ON_FAILURE, /* after a status other than 0 */
    BERTH_RESTART_ALWAYS,
} BerthRestartPolicy;

/* The exit status of a process whose exit was not observed. */
#define BERTH_STATUS_UNKNOWN (-1)

/* A process of a container: either the first one, whose record is part of the container's row, or
 * one started by Exec, which has a row of its own. */
typedef struct {
    char *container, *id; /* id: "" for the first process */
    char *command;        /* of a process started by Exec; NULL for the first one */
    char *boot;           /* boot ID during which it was started; NULL: never started */
    uint32_t pid;
    uint64_t pid_start; /* field 22 of /proc/PID/stat; differs if the PID was reused */
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
    char *chain_id; /* of the image: the snapshots below the container's writable layer */
    char **labels;
    /* The options of Create that say how to run and stop it. */
    char *slice;
    int stop_signal;
    uint64_t stop_timeout_usec;
    bool auto_remove, autostart, terminal, systemd;
    bool poststop; /* its configuration has hooks to run after its exit */
    BerthRestartPolicy restart;
    bool wanted;          /* started and not stopped by a client: the restart policy applies */
    uint32_t ids;         /* first host id of its user namespace; 0: it has none of its own */
    GVariant *properties; /* a{sv} for its scope; NULL: none */
    char *network;        /* "none", "host" or the name of a network */
    char *root;           /* directory used as the root instead of an image; "": none */
    GVariant *extra;      /* a{sv}: values that only one part of the service knows; NULL: none */
} BerthContainerRecord;

/* Frees the contents of a record, but not the record itself. */
void berth_container_record_clear(BerthContainerRecord *record);

/* Returns a value of extra, to be freed with g_variant_unref; NULL if there is none of this
 * type. */
GVariant *berth_container_record_get_extra(const BerthContainerRecord *record, const char *key,
                                           const GVariantType *type);
/* Sets a value of extra, taking ownership of it if it is floating; NULL removes it. Does not write
 * to the database. */
void berth_container_record_set_extra(BerthContainerRecord *record, const char *key,
                                      GVariant *value);

const char *berth_container_state_get_name(BerthContainerState state);
/* An unknown name is parsed as a container that has stopped. */
BerthContainerState berth_container_state_parse(const char *name);

/* Returns "no", "on-failure" or "always". */
const char *berth_restart_policy_get_name(BerthRestartPolicy policy);
bool berth_restart_policy_parse(const char *name, BerthRestartPolicy *policy);
void berth_process_record_free(BerthProcessRecord *process);

/* The options of Create in their stored form, which the caller frees. Parsing never fails. */
char *berth_container_record_format_options(const BerthContainerRecord *record);
void berth_container_record_parse_options(BerthContainerRecord *record, const char *text);
