/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Option values as given, shared between run-options.c, whose tables fill them, and run-complete.c,
 * which reads them. No other file includes this.
 */

#pragma once

#include "client/run-options.h"

typedef struct {
    char *seccomp, *restart, *pull, *cgroup, *notify, *platform, *architecture, *system, *variant,
        *log_driver, *health_command;
    char *health_interval, *health_timeout, *health_start, *timezone, *auth_file, *shm_size;
    char *health_start_interval;
    char **environment, **environment_files, **label_files, **security, **ports;
    char **volume_sources, **gpus;
    gboolean host_environment, http_proxy, no_health, tls_verify;
    gint64 stop_timeout, health_retries;
} DistRunTexts;

extern DistRunTexts dist_run_texts;
