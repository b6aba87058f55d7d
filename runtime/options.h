/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line, compatible with runc 1.1 and crun 1.8. */

#pragma once

#include "log.h"

typedef struct RuntimeOptions RuntimeOptions;

typedef struct {
    const char *name;
    const GOptionEntry *options;
    bool strict; /* options end at the first argument: the rest belongs to a command */
    int least, most;
    const char *arguments; /* for the help */
    /* Returns the exit status, with error set on failure. */
    int (*run)(RuntimeOptions *options, GError **error);
    int failure; /* the exit status for an invalid command line */
} RuntimeVerb;

struct RuntimeOptions {
    /* before the verb */
    char *root, *log, *log_format, *cgroup_manager, *rootless;
    gboolean debug, systemd_cgroup, version;
    RuntimeLogFormat format;

    const RuntimeVerb *verb;
    char **arguments; /* after the verb and its options */

    /* after the verb */
    char *bundle, *config, *console_socket, *pid_file;
    gint preserve_fds;
    uint64_t preserved; /* bit N: descriptor 3 + N is open, and passed on */
    gboolean no_subreaper, detach, keep, map_root_user;
    char *cgroup;
    char *process, *cwd, *user, *apparmor;
    char **env, **cap, **additional_gids;
    gboolean tty, no_new_privs;
    gboolean force, regex, all, quiet, stats, leave_running, is_rootless;
    char *format_name, *interval, *resources, *image_path, *work_path;
    gboolean tcp_established, ext_unix_sk, shell_job, file_locks;
    gint64 memory, memory_reservation, memory_swap, pids_limit, cpu_period, cpu_quota, cpu_share,
        blkio_weight;
    char *cpuset_cpus, *cpuset_mems;
};

/* Parses the global options, the verb from the table (which ends with a NULL name) and its options,
 * and counts its arguments. The options point into argv and into memory that is never freed. */
bool runtime_options_parse(RuntimeOptions *options, const RuntimeVerb *verbs, int argc, char **argv,
                           GError **error);

/* The values that the options of the tables are stored in. */
extern RuntimeOptions runtime_options;
extern const GOptionEntry runtime_create_options[], runtime_run_options[], runtime_exec_options[],
    runtime_kill_options[], runtime_delete_options[], runtime_list_options[],
    runtime_format_options[], runtime_events_options[], runtime_update_options[],
    runtime_spec_options[], runtime_checkpoint_options[], runtime_restore_options[],
    runtime_no_options[];
