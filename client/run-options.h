/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The options of "dist run" and "dist create". An option with the same meaning as one of podman's
 * has the same name.
 */

#pragma once

#include "client/settings.h"

typedef enum {
    DIST_PULL_MISSING, /* pull an image that is not in the store */
    DIST_PULL_ALWAYS,
    DIST_PULL_NEVER,
} DistPullPolicy;

typedef enum {
    DIST_NOTIFY_STARTED,   /* READY=1 once the command runs */
    DIST_NOTIFY_HEALTHY,   /* once the container is healthy */
    DIST_NOTIFY_CONTAINER, /* when the container itself sends it */
    DIST_NOTIFY_NO,
} DistNotify;

/* For a flag whose default depends on other options. */
enum { DIST_NOT_GIVEN = -1 };

typedef struct {
    /* As given. */
    char *id, *working_directory, *user, *hostname, *stop_signal, *slice, *user_namespace,
        *health_action;
    char *pod;
    char *detach_keys, *bundle, *spec, *pid_file, *cid_file;
    char **environment, **labels, **add, **drop;
    char **secrets;
    char **masked, **unmasked; /* of --security-opt */
    char *apparmor;
    char **volumes, **own_volumes, **tmpfs, **mounts, **devices, **ports, **merged;
    GPtrArray *images; /* of DistImageMount, from --mount */
    char *pid_namespace, *ipc_namespace, *uts_namespace;
    char **preserved_lists, **required;
    gboolean passes_signals;
    gboolean read_only, remove, detach, terminal, privileged, autostart, replace, insecure,
        credentials;
    gboolean remove_image;
    gboolean rootfs; /* a directory is given instead of an image */
    gint64 preserved;

    /* Set by dist_run_options_complete(). */
    uint64_t stop_timeout_usec;
    bool has_stop_timeout;
    uint64_t restart_limit;
    char *seccomp, *restart, *health_command;
    bool no_health;
    uint64_t health_interval_usec, health_timeout_usec, health_start_usec, health_retries;
    uint64_t health_start_interval_usec;
    DistPullPolicy pull;
    DistNotify notify;
    bool with_caller; /* in dist's own cgroup */
    gboolean unit_bound;
    bool to_journal; /* unless --log-driver=none was given */
} DistRunOptions;

extern DistRunOptions dist_run_given;

/* The options of create, and those of run, which include them. */
extern const DistOption dist_create_options[], dist_run_options[];

/* podman's options that are refused, with the reason. */
extern const DistOption dist_run_refused_options[];
/* Those of them that are limits; also for update. */
extern const DistOption dist_limit_refused_options[];

/* Checks the given options, and converts texts that are numbers, files and choices. */
bool dist_run_options_complete(GError **error);
