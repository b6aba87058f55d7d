/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What berth-runtime stores for a container: a directory ROOT/ID with the file "status" and, until
 * the container is started, the socket "door". It records where the bundle is, and which process
 * represents the container's first process to the engine.
 */

#pragma once

#include "base/document.h"

#include <sys/types.h>

typedef struct {
    char *root;      /* of --root */
    char *id;        /* the engine's id */
    char *berth_id;  /* the service's id */
    char *directory; /* ROOT/ID */
    char *bundle, *rootfs, *created;
    char **annotations; /* each followed by its value */
    pid_t pid;          /* the monitor, or the first process if there is none */
    uint64_t pid_start; /* its start time, as in proc_pid_stat(5) */
    bool monitored;
} RuntimeRecord;

/* Checks an id as runc does. */
bool runtime_record_check_id(const char *id, GError **error);

/* The service's id for an id below a root: a hash of both, so that two engines never collide, and
 * as much of the id as fits. The caller frees it. */
char *runtime_record_make_berth_id(const char *root, const char *id);

/* Makes a record in memory only. NULL with error if the id is invalid. */
RuntimeRecord *runtime_record_new(const char *root, const char *id, GError **error);
void runtime_record_free(RuntimeRecord *record);

/* Makes the directory; AlreadyExists if it exists. */
bool runtime_record_create(RuntimeRecord *record, GError **error);
/* Writes "status" atomically. */
bool runtime_record_write(RuntimeRecord *record, GError **error);
/* Reads the record. NULL with error, NotFound if there is none. */
RuntimeRecord *runtime_record_read(const char *root, const char *id, GError **error);
/* Removes the directory. */
void runtime_record_remove(const RuntimeRecord *record);

/* The ids below a root, sorted; empty if the root does not exist. */
char **runtime_record_list(const char *root, GError **error);

/* The start time of a process, 0 if it does not exist. */
uint64_t runtime_process_get_start(pid_t pid);
/* Whether the process of the record is still running. */
bool runtime_record_is_alive(const RuntimeRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RuntimeRecord, runtime_record_free)
