/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What berth-launch does, read from the container's OCI runtime configuration, which berthd wrote.
 * Everything that can be read and checked is, before anything is done.
 */

#pragma once

#include "base/error.h"

#include <sys/types.h>

typedef struct {
    char *destination, *type, *source;
    char **options;
} BerthPlanMount;

typedef struct {
    int resource; /* RLIMIT_… */
    const char *name;
    uint64_t soft, hard;
} BerthPlanLimit;

typedef struct {
    char *user; /* "name", "uid", "name:group" … as the image or the caller wrote it */
    char **arguments, **environment;
    char *working_directory, *hostname;
    uint64_t bounding, effective, permitted; /* capabilities as bits */
    bool no_new_privileges, read_only;
    GArray *limits;    /* of BerthPlanLimit */
    int namespaces;    /* CLONE_NEW… */
    GPtrArray *mounts; /* of BerthPlanMount */
    char **masked_paths, **read_only_paths;
    char **layers; /* names of directories, topmost first */
    char *seccomp; /* "default" or "unconfined" */
} BerthPlan;

BerthPlan *berth_plan_read(int file, GError **error);
