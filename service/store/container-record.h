/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is recorded of a container and of its processes. */

#pragma once

#include "base/error.h"

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

void berth_container_record_clear(BerthContainerRecord *record);

/* A value of extra, freed with g_variant_unref; NULL if there is none of this type. */
GVariant *berth_container_record_get_extra(const BerthContainerRecord *record, const char *key,
                                           const GVariantType *type);
/* value, if it floats, becomes the record's; NULL: none from now on. Nothing is written. */
void berth_container_record_set_extra(BerthContainerRecord *record, const char *key,
                                      GVariant *value);

const char *berth_container_state_get_name(BerthContainerState state);
/* An unknown name is a container that has stopped. */
BerthContainerState berth_container_state_parse(const char *name);

/* "no", "on-failure", "always". */
const char *berth_restart_policy_get_name(BerthRestartPolicy policy);
bool berth_restart_policy_parse(const char *name, BerthRestartPolicy *policy);
void berth_process_record_free(BerthProcessRecord *process);

/* The options of Create as they are stored: caller frees. Parsing never fails. */
char *berth_container_record_format_options(const BerthContainerRecord *record);
void berth_container_record_parse_options(BerthContainerRecord *record, const char *text);
