/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The processes and the resource usage of a running container. */

#pragma once

#include "containers/core/container.h"
#include "systemd/cgroup.h"
#include "systemd/process-status.h"

/* A process as the host sees it. process is the id of one that Exec started, or "". */
typedef struct {
    uint32_t pid, uid;
    char *process, *command;
    BerthProcessStatus status;
} BerthProcessInfo;

/* A list of BerthProcessInfo, whose status is not read yet. */
GPtrArray *berth_container_list_processes(BerthContainer *container, GError **error);
/* Reads the status, which takes longer than all the rest. False if the process has ended. */
bool berth_process_info_read_status(BerthProcessInfo *info);
/* Its cgroup, which the caller frees; NULL if it is not running. */
char *berth_container_get_cgroup(const BerthContainer *container);
/* The inode number of the first process's pidfd (berth_pidfd_get_id()); 0 if it is not running. */
uint64_t berth_container_get_pidfd_id(const BerthContainer *container);
/* Opens a pidfd of a running process, "" for the first one, which shares nothing with the service's
 * own pidfd. The caller owns it; -1 with error. */
int berth_container_open_process(BerthContainer *container, const char *process, GError **error);
bool berth_container_read_stats(BerthContainer *container, BerthCgroupStats *stats, GError **error);
