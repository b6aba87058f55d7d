/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checkpoints of a container by CRIU. Its images are in the directory "checkpoint" of the
 * container's own, with the names of the standard descriptors (launch/streams.h); while they are
 * written, in "checkpoint.new", which has the inventory when it is whole.
 *
 * What is mounted in a container from outside CRIU knows as external mounts, by a key: "mount-N"
 * for the mount N of the configuration, "cgroup" for the cgroup, "null" for /dev/null over what is
 * masked.
 */

#pragma once

#include "bare/setup.h"
#include "base/error.h"
#include "launch/fault.h"

/* Turns the fault of a launcher's step into an error. */
bool berth_checkpoint_set_fault(GError **error, const BerthFault *fault);

#define BERTH_CHECKPOINT_IMAGES "checkpoint"
#define BERTH_CHECKPOINT_NEW "checkpoint.new"

/* Whether Berth can bring such a container back; else Unsupported, naming what it cannot. */
bool berth_checkpoint_check(const BerthSetup *setup, GError **error);

/* The container's directory, reopened in the host's mount namespace, which is entered; as a path.
 */
char *berth_checkpoint_enter_host(GError **error);

/* Writes one of the container whose first process is pid. */
typedef struct {
    const BerthSetup *setup;
    const char *id;
    pid_t pid;
    bool leave_running;
} BerthDump;
bool berth_checkpoint_dump(const BerthDump *dump, GError **error);

/* Makes the container's processes again, of the one that is there, with these streams. */
typedef struct {
    const BerthSetup *setup;
    const char *id;
    bool output_to_journal, error_to_journal;
} BerthRestore;
G_GNUC_NORETURN void berth_checkpoint_restore(const BerthRestore *restore);
