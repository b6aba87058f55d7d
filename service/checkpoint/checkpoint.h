/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checkpoints of a container, made by CRIU. Their images are in the subdirectory "checkpoint" of
 * the container's directory, together with the names of the standard descriptors
 * (launch/streams.h). While they are being written they are in "checkpoint.new", which contains the
 * inventory once it is complete.
 *
 * To CRIU, mounts from outside the container are external mounts, identified by a key: "mount-N"
 * for mount N of the configuration, "cgroup" for the cgroup, "null" for /dev/null over masked
 * files.
 */

#pragma once

#include "bare/setup.h"
#include "base/error.h"
#include "launch/fault.h"

/* Turns the fault of a launcher's step into an error. Returns false. */
bool berth_checkpoint_set_fault(GError **error, const BerthFault *fault);

#define BERTH_CHECKPOINT_IMAGES "checkpoint"
#define BERTH_CHECKPOINT_NEW "checkpoint.new"

/* Checks that Berth can restore such a container; otherwise Unsupported, naming what it cannot
 * restore. */
bool berth_checkpoint_check(const BerthSetup *setup, GError **error);

/* Enters the host's mount namespace, and reopens the container's directory there. Returns its path,
 * which the caller frees. */
char *berth_checkpoint_enter_host(GError **error);

/* Writes a checkpoint of the container whose first process is pid. */
typedef struct {
    const BerthSetup *setup;
    const char *id;
    pid_t pid;
    bool leave_running;
} BerthDump;
bool berth_checkpoint_dump(const BerthDump *dump, GError **error);

/* Recreates the container's processes from its checkpoint, with these streams. */
typedef struct {
    const BerthSetup *setup;
    const char *id;
    bool output_to_journal, error_to_journal;
} BerthRestore;
G_GNUC_NORETURN void berth_checkpoint_restore(const BerthRestore *restore);
