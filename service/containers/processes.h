/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Processes and figures of a container that runs. */

#pragma once

#include "containers/core/container.h"
#include "systemd/cgroup.h"

/* A process as the host sees it; process: the id of one that Exec started, or "". */
typedef struct {
    uint32_t pid, uid;
    char *process, *command;
} BerthProcessInfo;

/* Of BerthProcessInfo. */
GPtrArray *berth_container_list_processes(BerthContainer *container, GError **error);
bool berth_container_read_stats(BerthContainer *container, BerthCgroupStats *stats, GError **error);
