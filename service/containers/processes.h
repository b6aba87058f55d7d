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
/* Caller frees; NULL unless it runs. */
char *berth_container_get_cgroup(const BerthContainer *container);
/* As berth_pidfd_get_id(), of its first process; 0 unless it runs. */
uint64_t berth_container_get_pidfd_id(const BerthContainer *container);
/* A pidfd of a running process, "" for the first one, that shares nothing with the service's own.
 * The caller's; -1 with error. */
int berth_container_open_process(BerthContainer *container, const char *process, GError **error);
bool berth_container_read_stats(BerthContainer *container, BerthCgroupStats *stats, GError **error);
