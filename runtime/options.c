/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses the command line. Each verb has a table of its options, all of which are members of one
 * object. An option that this runtime knows but cannot honour is refused by name; one that
 * describes what it does anyway is accepted.
 */

#include "options.h"

#include <string.h>
#include <unistd.h>

RuntimeOptions runtime_options;

/* Refuses an option that is known but cannot be honoured. */
static gboolean option_refuse(const char *name, const char *value, gpointer data, GError **error) {
    (void)value, (void)data;
    return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "option %s is not supported", name);
}

#define FLAG(name, letter, member, help)                                                           \
    { (name), (letter), 0, G_OPTION_ARG_NONE, &runtime_options.member, (help), NULL }
#define TEXT(name, letter, member, help, value)                                                    \
    { (name), (letter), 0, G_OPTION_ARG_STRING, &runtime_options.member, (help), (value) }
#define NUMBER(name, member, help)                                                                 \
    { (name), 0, 0, G_OPTION_ARG_INT64, &runtime_options.member, (help), "N" }
#define HIDDEN_NUMBER(name, member)                                                                \
    { (name), 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT64, &runtime_options.member, NULL, "N" }
#define COUNT(name, member, help)                                                                  \
    { (name), 0, 0, G_OPTION_ARG_INT, &runtime_options.member, (help), "N" }
#define LIST(name, letter, member, help, value)                                                    \
    { (name), (letter), 0, G_OPTION_ARG_STRING_ARRAY, &runtime_options.member, (help), (value) }
/* --help only lists what is supported: callers use it to find that out. */
#define REFUSED(name, reason)                                                                      \
    {                                                                                              \
        (name), 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_CALLBACK, (gpointer)option_refuse, (reason), \
            "VALUE"                                                                                \
    }
#define REFUSED_FLAG(name, reason)                                                                 \
    {                                                                                              \
        (name), 0, G_OPTION_FLAG_HIDDEN | G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK,             \
            (gpointer)option_refuse, (reason), NULL                                                \
    }
#define END G_OPTION_ENTRY_NULL

/* Engines always pass some of these; they are accepted without effect. */
static const GOptionEntry global_options[] = {
    TEXT("root", 0, root, "Directory for the state of containers", "DIR"),
    TEXT("log", 0, log, "Log file", "FILE"),
    TEXT("log-format", 0, log_format, "Log format: text or json", "FORMAT"),
    FLAG("systemd-cgroup", 0, systemd_cgroup, "Accepted: containers are in scopes of systemd"),
    TEXT("cgroup-manager", 0, cgroup_manager, "Accepted, as --systemd-cgroup", "MANAGER"),
    TEXT("rootless", 0, rootless, "Accepted: the service decides what a caller may do", "VALUE"),
    FLAG("debug", 0, debug, "Log more"),
    FLAG("version", 'v', version, "Show the version"),
    END,
};

/* For every verb that starts a process. */
#define PROCESS_OPTIONS                                                                            \
    TEXT("console-socket", 0, console_socket, "Socket that receives the terminal", "SOCKET"),      \
        TEXT("pid-file", 0, pid_file, "File to write the PID to", "FILE"),                         \
        COUNT("preserve-fds", preserve_fds, "Pass N further descriptors, starting at 3")

/* For update, and for verbs that create a container. */
#define LIMIT_OPTIONS                                                                              \
    NUMBER("memory", memory, "Memory limit in bytes"),                                             \
        NUMBER("memory-reservation", memory_reservation, "Memory reservation in bytes"),           \
        NUMBER("memory-swap", memory_swap, "Memory and swap together, -1: no limit"),              \
        NUMBER("pids-limit", pids_limit, "Number of tasks"),                                       \
        NUMBER("cpu-period", cpu_period, "Period of the quota in microseconds"),                   \
        NUMBER("cpu-quota", cpu_quota, "CPU time in a period in microseconds"),                    \
        NUMBER("cpu-share", cpu_share, "Shares of CPU time"),                                      \
        HIDDEN_NUMBER("cpu-shares", cpu_share),                                                    \
        NUMBER("blkio-weight", blkio_weight, "Weight of input and output"),                        \
        TEXT("cpuset-cpus", 0, cpuset_cpus, "CPUs", "LIST"),                                       \
        TEXT("cpuset-mems", 0, cpuset_mems, "Memory nodes", "LIST")

#define CREATE_OPTIONS                                                                             \
    TEXT("bundle", 'b', bundle, "Directory of the bundle", "DIR"),                                 \
        TEXT("config", 'f', config, "File of the configuration, config.json", "FILE"),             \
        PROCESS_OPTIONS, REFUSED_FLAG("no-pivot", "the root is always pivoted"),                   \
        REFUSED_FLAG("no-new-keyring", "a container has a session keyring of its own"),            \
        FLAG("no-subreaper", 0, no_subreaper, "Accepted: the service reaps")

/* For create and run: these override the configuration. */
#define OVERRIDE_OPTIONS                                                                           \
    TEXT("cgroup", 0, cgroup, "scope, or caller: in the cgroup of this process", "WHICH"),         \
        FLAG("map-root-user", 0, map_root_user, "Make the caller root in the container"),          \
        LIMIT_OPTIONS

/* For checkpoint and restore. */
#define CHECKPOINT_OPTIONS                                                                         \
    TEXT("image-path", 0, image_path, "Accepted: the checkpoint is stored with the container",     \
         "DIR"),                                                                                   \
        TEXT("work-path", 0, work_path, "Accepted, as --image-path", "DIR"),                       \
        FLAG("tcp-established", 0, tcp_established,                                                \
             "Accepted: as the service's settings have it"),                                       \
        FLAG("ext-unix-sk", 0, ext_unix_sk, "Accepted: as the service's settings have it"),        \
        FLAG("shell-job", 0, shell_job, "Accepted: as the service's settings have it"),            \
        FLAG("file-locks", 0, file_locks, "Accepted: as the service's settings have it")

const GOptionEntry runtime_no_options[] = {END};
const GOptionEntry runtime_create_options[] = {CREATE_OPTIONS, OVERRIDE_OPTIONS, END};
const GOptionEntry runtime_run_options[] = {
    CREATE_OPTIONS,
    OVERRIDE_OPTIONS,
    FLAG("detach", 'd', detach, "Leave the container running"),
    FLAG("keep", 0, keep, "Do not delete it when it ends"),
    END,
};
const GOptionEntry runtime_exec_options[] = {
    TEXT("process", 'p', process, "File with a process of the specification", "FILE"),
    PROCESS_OPTIONS,
    FLAG("tty", 't', tty, "Give it a terminal"),
    FLAG("detach", 'd', detach, "Do not wait"),
    TEXT("cwd", 0, cwd, "Working directory", "DIR"),
    LIST("env", 'e', env, "Environment variable", "NAME=VALUE"),
    TEXT("user", 'u', user, "User", "UID[:GID]"),
    LIST("additional-gids", 'g', additional_gids, "Additional group", "GID"),
    LIST("cap", 'c', cap, "Add a capability", "NAME"),
    FLAG("no-new-privs", 0, no_new_privs, "Prevent it from gaining privileges"),
    TEXT("apparmor", 0, apparmor, "AppArmor profile", "NAME"),
    REFUSED("process-label", "SELinux is not supported"),
    REFUSED("cgroup", "a process is in the cgroup of its container"),
    REFUSED_FLAG("ignore-paused", "a paused container takes no process"),
    END,
};
const GOptionEntry runtime_kill_options[] = {
    FLAG("all", 'a', all, "Send it to all processes"),
    END,
};
const GOptionEntry runtime_delete_options[] = {
    FLAG("force", 'f', force, "Kill the container first"),
    FLAG("regex", 0, regex, "The argument is a regular expression"),
    END,
};
const GOptionEntry runtime_list_options[] = {
    FLAG("quiet", 'q', quiet, "Show only the IDs"),
    TEXT("format", 'f', format_name, "table or json", "FORMAT"),
    END,
};
const GOptionEntry runtime_format_options[] = {
    TEXT("format", 'f', format_name, "table or json", "FORMAT"),
    END,
};
const GOptionEntry runtime_events_options[] = {
    FLAG("stats", 0, stats, "Show the figures once"),
    TEXT("interval", 0, interval, "Time between figures, 5s if not given", "TIME"),
    END,
};
const GOptionEntry runtime_update_options[] = {
    TEXT("resources", 'r', resources, "File with resources of the specification, or -", "FILE"),
    LIMIT_OPTIONS,
    REFUSED("cpu-rt-period", "cgroup v2 has no such limit"),
    REFUSED("cpu-rt-runtime", "cgroup v2 has no such limit"),
    REFUSED("kernel-memory", "Linux has no such limit any more"),
    REFUSED("kernel-memory-tcp", "Linux has no such limit any more"),
    REFUSED("l3-cache-schema", "Intel RDT is not supported"),
    REFUSED("mem-bw-schema", "Intel RDT is not supported"),
    END,
};
const GOptionEntry runtime_spec_options[] = {
    TEXT("bundle", 'b', bundle, "Directory of the bundle", "DIR"),
    FLAG("rootless", 0, is_rootless, "For a user without privileges"),
    END,
};
const GOptionEntry runtime_checkpoint_options[] = {
    FLAG("leave-running", 'R', leave_running, "Leave it running"),
    CHECKPOINT_OPTIONS,
    REFUSED("parent-path", "a checkpoint is whole"),
    REFUSED_FLAG("pre-dump", "a checkpoint is whole"),
    REFUSED_FLAG("lazy-pages", "a checkpoint is whole"),
    END,
};
const GOptionEntry runtime_restore_options[] = {
    CREATE_OPTIONS,
    FLAG("detach", 'd', detach, "Leave the container running"),
    CHECKPOINT_OPTIONS,
    END,
};

/* strict: options end at the first word that is not an option, since a command with its own options
 * follows. Errors of GOption become errors of Berth. */
static bool options_take(const GOptionEntry *entries, const char *arguments, const char *summary,
                         bool strict, int *argc, char ***argv, GError **error) {
    g_autoptr(GOptionContext) context = g_option_context_new(arguments);
    g_autoptr(GError) local = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_strict_posix(context, strict);
    g_option_context_set_summary(context, summary);
    if (g_option_context_parse(context, argc, argv, &local))
        return true;
    return berth_error_set(error,
                           local->domain == BERTH_ERROR ? (BerthErrorCode)local->code
                                                        : BERTH_ERROR_INVALID_ARGUMENT,
                           "%s", local->message);
}

/* As in runc and crun: a directory that is empty after a boot, like the containers' states. */
static char *options_default_root(void) {
    return geteuid() == 0 ? g_strdup("/run/berth-runtime")
                          : g_build_filename(g_get_user_runtime_dir(), "berth-runtime", NULL);
}

static const RuntimeVerb *options_find_verb(const RuntimeVerb *verbs, const char *name) {
    while (verbs->name && !g_str_equal(verbs->name, name))
        verbs++;
    return verbs->name ? verbs : NULL;
}

static bool options_take_global(RuntimeOptions *options, const char *summary, int *argc,
                                char ***argv, GError **error) {
    if (!options_take(global_options, "VERB …", summary, true, argc, argv, error) ||
        !runtime_log_parse_format(options->log_format, &options->format, error))
        return false;
    g_autofree char *given =
        options->root ? g_steal_pointer(&options->root) : options_default_root();
    /* Canonicalized, since the service's ids are derived from it. */
    options->root = g_canonicalize_filename(given, NULL);
    return true;
}

/* GOption parses "-1" as an option, so such a value must follow a "=". */
static bool options_check_arguments(const RuntimeVerb *verb, int count, GError **error) {
    if (count >= verb->least && (verb->most < 0 || count <= verb->most))
        return true;
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           count < verb->least ? "%s: an argument is missing; usage: %s %s"
                                               : "%s: there are too many arguments; usage: %s %s",
                           verb->name, verb->name, verb->arguments);
}

/* Options before the verb are global, those after it belong to the verb. */
bool runtime_options_parse(RuntimeOptions *options, const RuntimeVerb *verbs, int argc, char **argv,
                           GError **error) {
    g_autoptr(GString) summary = g_string_new("Verbs:");

    for (const RuntimeVerb *verb = verbs; verb->name; verb++)
        g_string_append_printf(summary, "\n  %s %s", verb->name, verb->arguments);
    if (!options_take_global(options, summary->str, &argc, &argv, error))
        return false;
    if (options->version)
        return true;
    if (argc < 2)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a verb is missing; see --help");
    const RuntimeVerb *verb = options_find_verb(verbs, argv[1]);
    if (!verb)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "unknown command \"%.100s\"; see --help", argv[1]);
    options->verb = verb;
    argc--, argv++;
    if (!options_take(verb->options, verb->arguments, NULL, verb->strict, &argc, &argv, error))
        return false;
    /* GOption leaves "--" in place, with the words after it. */
    argc--, argv++;
    if (argc > 0 && g_str_equal(argv[0], "--"))
        argc--, argv++;
    options->arguments = argv;
    return options_check_arguments(verb, argc, error);
}
