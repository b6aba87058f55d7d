/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The options of create and run. Tables fill dist_run_given, or texts for options whose value is
 * not a text in the end; dist_run_options_complete() reads those once, into numbers and choices,
 * and from then on dist_run_given is only read. docs/podman.md compares each option with podman's,
 * and a test tries them by it.
 */

#include "client/run-options.h"

#include "client/mount-fields.h"
#include "client/network-options.h"
#include "client/progress-view.h"
#include "client/run-limits.h"
#include "client/run-process.h"
#include "client/run-values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Filled while options are parsed and completed by dist_run_options_complete(); only read
 * afterwards. It lives as long as dist. */
DistRunOptions dist_run_given;

/* Values as they are given, until dist_run_options_complete() has read them. */
static struct {
    char *memory, *cpus, *seccomp, *restart, *pull, *cgroup, *notify, *platform, *log_driver,
        *health_command;
    char *health_interval, *health_timeout, *health_start, *timezone, *auth_file, *shm_size;
    char **environment, **environment_files, **label_files, **security, **ports;
    gboolean host_environment, http_proxy, no_health, tls_verify;
    gint64 tasks, tasks_limit, stop_timeout, cpu_shares, cpu_period, cpu_quota, health_retries;
} texts = {.stop_timeout = -1, .tls_verify = TRUE};

/* Values of options for which Berth has one behaviour; see DIST_OPTION_ONLY. */
static const char *const only_private[] = {"private", NULL};
static const char *const only_true[] = {"true", NULL};
static const char *const only_false[] = {"false", NULL};
static const char *const only_journald[] = {"journald", NULL};
static const char *const only_enabled[] = {"enabled", NULL};
static const char *const only_none[] = {"none", NULL};
static const char *const sdnotify_modes[] = {"conmon", "ignore", NULL};

/* The order is that of the help. podman's other names of an option ("The same") have the same
 * target. */
const DistOption dist_create_options[] = {
    DIST_OPTION_TITLE(N_("Identity:")),
    {"name", 0, DIST_OPTION_TEXT, &dist_run_given.id,
     N_("ID of the container, random if not given"), N_("ID")},
    {"id", 0, DIST_OPTION_TEXT, &dist_run_given.id, N_("The same"), N_("ID")},
    {"replace", 0, DIST_OPTION_FLAG, &dist_run_given.replace,
     N_("Delete a container with the same ID first"), NULL},
    {"label", 'l', DIST_OPTION_LIST, &dist_run_given.labels, N_("Add a label"), N_("KEY=VALUE")},
    {"label-file", 0, DIST_OPTION_LIST, &texts.label_files, N_("Add the labels in a file"),
     N_("FILE")},
    {"cidfile", 0, DIST_OPTION_TEXT, &dist_run_given.cid_file, N_("Write the ID to a file"),
     N_("FILE")},
    DIST_OPTION_TITLE(N_("Image:")),
    {"pull", 0, DIST_OPTION_TEXT, &texts.pull,
     N_("Pull the image: missing (default), always, never"), N_("WHEN")},
    {"platform", 0, DIST_OPTION_TEXT, &texts.platform, N_("Only this machine's platform"),
     N_("OS/ARCH[/VARIANT]")},
    DIST_OPTION_INCLUDE(dist_progress_options),
    {"tls-verify", 0, DIST_OPTION_FLAG, &texts.tls_verify,
     N_("=false: allow plain HTTP and certificates that cannot be checked"), NULL},
    {"authfile", 0, DIST_OPTION_TEXT, &texts.auth_file, N_("File with the registry's credentials"),
     N_("FILE")},
    {"bundle", 0, DIST_OPTION_TEXT, &dist_run_given.bundle,
     N_("Instead of an image: an OCI bundle, config.json and its root"), N_("DIRECTORY")},
    {"spec", 0, DIST_OPTION_TEXT, &dist_run_given.spec,
     N_("An OCI runtime configuration, for the image"), N_("FILE")},
    DIST_OPTION_TITLE(N_("Process:")),
    {"env", 'e', DIST_OPTION_LIST, &texts.environment,
     N_("Environment variable; the caller's value without =VALUE"), N_("NAME[=VALUE]")},
    {"env-file", 0, DIST_OPTION_LIST, &texts.environment_files,
     N_("Environment variables in a file, one a line"), N_("FILE")},
    {"env-host", 0, DIST_OPTION_FLAG, &texts.host_environment,
     N_("All of the caller's environment variables"), NULL},
    {"http-proxy", 0, DIST_OPTION_FLAG, &texts.http_proxy,
     N_("The caller's variables for HTTP proxies"), NULL},
    {"tz", 0, DIST_OPTION_TEXT, &texts.timezone,
     N_("Time zone, as the variable TZ; local: the host's"), N_("ZONE")},
    {"workdir", 'w', DIST_OPTION_TEXT, &dist_run_given.working_directory, N_("Working directory"),
     N_("PATH")},
    {"user", 'u', DIST_OPTION_TEXT, &dist_run_given.user, N_("User, and group"),
     N_("USER[:GROUP]")},
    DIST_OPTION_INCLUDE(dist_run_process_options),
    {"tty", 't', DIST_OPTION_FLAG, &dist_run_given.terminal, N_("Give it a terminal"), NULL},
    {"stop-signal", 0, DIST_OPTION_TEXT, &dist_run_given.stop_signal, N_("Signal that stops it"),
     N_("SIGNAL")},
    {"stop-timeout", 0, DIST_OPTION_NUMBER, &texts.stop_timeout, N_("Time to wait before SIGKILL"),
     N_("SECONDS")},
    DIST_OPTION_TITLE(N_("Files:")),
    {"volume", 'v', DIST_OPTION_LIST, &dist_run_given.volumes,
     N_("Mount a path of the host, or a volume; options such as ro,noidmap"),
     N_("SOURCE:PATH[:OPTIONS]")},
    {"mount", 0, DIST_OPTION_LIST, &dist_run_given.mounts,
     N_("The same, as type=bind|volume|tmpfs,source=…,target=…"), N_("FIELDS")},
    {"tmpfs", 0, DIST_OPTION_LIST, &dist_run_given.tmpfs,
     N_("Mount an empty temporary file system"), N_("PATH[:OPTIONS]")},
    {"shm-size", 0, DIST_OPTION_TEXT, &texts.shm_size, N_("Size of /dev/shm"), N_("BYTES")},
    {"secret", 0, DIST_OPTION_LIST, &dist_run_given.secrets,
     N_("A secret in /run/secrets: a file, or the unit's credential of that name"),
     N_("NAME[=FILE]")},
    {"credentials", 0, DIST_OPTION_FLAG, &dist_run_given.credentials,
     N_("All credentials of the unit that dist runs in, as secrets"), NULL},
    {"read-only", 0, DIST_OPTION_FLAG, &dist_run_given.read_only,
     N_("Make the root file system read-only"), NULL},
    {"device", 0, DIST_OPTION_LIST, &dist_run_given.devices, N_("Allow a device of the host"),
     N_("NODE[:PATH[:rwm]]")},
    DIST_OPTION_TITLE(N_("Network:")),
    DIST_OPTION_INCLUDE(dist_network_options),
    {"publish", 'p', DIST_OPTION_LIST, &texts.ports, N_("Publish a port, or a range of ports"),
     N_("[IP:]HOST:CONTAINER[/PROTOCOL]")},
    {"hostname", 'h', DIST_OPTION_TEXT, &dist_run_given.hostname, N_("Host name"), N_("NAME")},
    DIST_OPTION_TITLE(N_("Resources:")),
    {"memory", 'm', DIST_OPTION_TEXT, &texts.memory, N_("Memory limit; K, M, G, T are known"),
     N_("BYTES")},
    {"cpus", 0, DIST_OPTION_TEXT, &texts.cpus, N_("CPU time limit, in processors"), N_("NUMBER")},
    {"cpu-shares", 'c', DIST_OPTION_NUMBER, &texts.cpu_shares,
     N_("Share of the CPU time, 1024 if not given"), N_("NUMBER")},
    {"cpu-period", 0, DIST_OPTION_NUMBER, &texts.cpu_period, N_("Length of --cpu-quota's period"),
     N_("MICROSECONDS")},
    {"cpu-quota", 0, DIST_OPTION_NUMBER, &texts.cpu_quota, N_("CPU time limit in a period"),
     N_("MICROSECONDS")},
    {"pids-limit", 0, DIST_OPTION_NUMBER, &texts.tasks_limit, N_("Limit of tasks; -1: none"),
     N_("NUMBER")},
    {"pids", 0, DIST_OPTION_NUMBER, &texts.tasks, N_("Limit of tasks"), N_("NUMBER")},
    DIST_OPTION_INCLUDE(dist_run_limit_options),
    {"slice", 0, DIST_OPTION_TEXT, &dist_run_given.slice, N_("Slice of its scope"), N_("UNIT")},
    {"cgroup", 0, DIST_OPTION_TEXT, &texts.cgroup,
     N_("scope (default), or caller: in the unit that dist runs in"), N_("PLACE")},
    {"cgroup-parent", 0, DIST_OPTION_TEXT, &dist_run_given.slice, N_("The same"), N_("UNIT")},
    DIST_OPTION_TITLE(N_("Security:")),
    {"cap-add", 0, DIST_OPTION_LIST, &dist_run_given.add, N_("Add a capability"), N_("NAME")},
    {"cap-drop", 0, DIST_OPTION_LIST, &dist_run_given.drop, N_("Drop a capability, or ALL"),
     N_("NAME")},
    {"seccomp", 0, DIST_OPTION_TEXT, &texts.seccomp,
     N_("System call filter: default, unconfined, or a file"), N_("PROFILE")},
    {"security-opt", 0, DIST_OPTION_LIST, &texts.security,
     N_("seccomp=PROFILE, no-new-privileges, label=disable"), N_("OPTION")},
    {"userns", 0, DIST_OPTION_TEXT, &dist_run_given.user_namespace,
     N_("User namespace: auto, host"), N_("MODE")},
    {"privileged", 0, DIST_OPTION_FLAG, &dist_run_given.privileged,
     N_("All capabilities, no system call filter, the host's users"), NULL},
    DIST_OPTION_TITLE(N_("Health:")),
    {"health-cmd", 0, DIST_OPTION_TEXT, &texts.health_command,
     N_("Shell command that checks the health, or none"), N_("COMMAND")},
    {"health-interval", 0, DIST_OPTION_TEXT, &texts.health_interval,
     N_("Time between two checks, 30s if not given"), N_("TIME")},
    {"health-timeout", 0, DIST_OPTION_TEXT, &texts.health_timeout,
     N_("Time limit of a check, 30s if not given"), N_("TIME")},
    {"health-start-period", 0, DIST_OPTION_TEXT, &texts.health_start,
     N_("Ignore failures for this long after the start"), N_("TIME")},
    {"health-retries", 0, DIST_OPTION_NUMBER, &texts.health_retries,
     N_("Failures that make it unhealthy, 3 if not given"), N_("NUMBER")},
    DIST_OPTION_INCLUDE(dist_run_startup_options),
    {"no-healthcheck", 0, DIST_OPTION_FLAG, &texts.no_health, N_("Do not check the health"), NULL},
    DIST_OPTION_TITLE(N_("Life:")),
    {"restart", 0, DIST_OPTION_TEXT, &texts.restart,
     N_("Start it again when it ends: no, on-failure[:N], always, unless-stopped"), N_("WHEN")},
    {"autostart", 0, DIST_OPTION_FLAG, &dist_run_given.autostart,
     N_("Start it when the system starts"), NULL},
    {"rm", 0, DIST_OPTION_FLAG, &dist_run_given.remove, N_("Delete it when it has ended"), NULL},
    {"rmi", 0, DIST_OPTION_FLAG, &dist_run_given.remove_image, N_("The same, and then the image"),
     NULL},
    {"interactive", 'i', DIST_OPTION_FLAG, NULL, N_("Accepted: standard input is always passed"),
     NULL},
    /* Options of podman's for which Berth has one behaviour: only the value that names it is
     * accepted. */
    {"cgroupns", 0, DIST_OPTION_ONLY, NULL, N_("a container has a cgroup namespace of its own"),
     N_("MODE"), .choices = only_private},
    {"ipc", 0, DIST_OPTION_ONLY, NULL, N_("a container has an IPC namespace of its own"),
     N_("MODE"), .choices = only_private},
    {"pid", 0, DIST_OPTION_ONLY, NULL, N_("a container has a PID namespace of its own"), N_("MODE"),
     .choices = only_private},
    {"uts", 0, DIST_OPTION_ONLY, NULL, N_("a container has a UTS namespace of its own"), N_("MODE"),
     .choices = only_private},
    {"cgroups", 0, DIST_OPTION_ONLY, NULL, N_("a container is a scope of systemd"), N_("MODE"),
     .choices = only_enabled},
    {"health-on-failure", 0, DIST_OPTION_ONLY, NULL,
     N_("an unhealthy container is reported and goes on"), N_("ACTION"), .choices = only_none},
    {"log-driver", 0, DIST_OPTION_ONLY, NULL, N_("output goes to the journal"), N_("DRIVER"),
     .choices = only_journald},
    {"read-only-tmpfs", 0, DIST_OPTION_ONLY, NULL,
     N_("with --read-only, /tmp and /run are always writable"), N_("BOOL"), .choices = only_true},
    {"sdnotify", 0, DIST_OPTION_ONLY, NULL, N_("dist says READY=1 itself when the container runs"),
     N_("MODE"), .choices = sdnotify_modes},
    {"sig-proxy", 0, DIST_OPTION_ONLY, NULL, N_("signals are always passed on"), N_("BOOL"),
     .choices = only_true},
    {"systemd", 0, DIST_OPTION_ONLY, NULL, N_("no container is prepared for systemd as its init"),
     N_("MODE"), .choices = only_false},
    {"expose", 0, DIST_OPTION_LIST, NULL, NULL, N_("PORT")},
    {"attach", 'a', DIST_OPTION_LIST, NULL, NULL, N_("STREAM")},
    DIST_OPTION_INCLUDE(dist_run_refused_options),
    DIST_OPTION_END,
};

const DistOption dist_run_options[] = {
    DIST_OPTION_TITLE(N_("Run:")),
    {"detach", 'd', DIST_OPTION_FLAG, &dist_run_given.detach,
     N_("Do not wait; output goes to the journal"), NULL},
    {"log-driver", 0, DIST_OPTION_TEXT, &texts.log_driver,
     N_("With -d: journald (default), or none to discard the output"), N_("DRIVER")},
    {"detach-keys", 0, DIST_OPTION_TEXT, &dist_run_given.detach_keys,
     N_("Keys that leave a terminal, ctrl-p,ctrl-q if not given"), N_("KEYS")},
    {"pid-file", 0, DIST_OPTION_TEXT, &dist_run_given.pid_file,
     N_("Write its PID to a file when it runs"), N_("FILE")},
    {"notify", 0, DIST_OPTION_TEXT, &texts.notify,
     N_("When a unit of Type=notify is ready: started (default), healthy, container, no"),
     N_("WHEN")},
    {"pidfile", 0, DIST_OPTION_TEXT, &dist_run_given.pid_file, NULL, N_("FILE")},
    {"preserve-fds", 0, DIST_OPTION_NUMBER, &dist_run_given.preserved,
     N_("Pass N extra descriptors, starting at 3"), N_("N")},
    DIST_OPTION_INCLUDE(dist_create_options),
    DIST_OPTION_END,
};

/* least is the smallest value: -1 means no limit or, of --stop-timeout, not given. */
static bool read_numbers(GError **error) {
    const struct {
        const char *option;
        gint64 value, least;
    } numbers[] = {
        {"--pids", texts.tasks, 0},
        {"--pids-limit", texts.tasks_limit, -1},
        {"--stop-timeout", texts.stop_timeout, -1},
        {"--cpu-shares", texts.cpu_shares, 0},
        {"--cpu-period", texts.cpu_period, 0},
        {"--cpu-quota", texts.cpu_quota, 0},
        {"--health-retries", texts.health_retries, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].value < numbers[i].least) {
            g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, numbers[i].value);
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("%s %s: the number must not be negative"), numbers[i].option,
                                   text);
        }
    gint64 tasks = texts.tasks_limit ? texts.tasks_limit : texts.tasks;
    dist_run_given.tasks = tasks < 0 ? UINT64_MAX : (uint64_t)tasks;
    dist_run_given.has_stop_timeout = texts.stop_timeout >= 0;
    if (texts.stop_timeout >= 0)
        dist_run_given.stop_timeout_usec = (uint64_t)texts.stop_timeout * G_USEC_PER_SEC;
    dist_run_given.health_retries = (uint64_t)texts.health_retries;
    return true;
}

/* Converts the CPU shares of cgroup v1 (2 to 262144), which docker's option has, to the weight of
 * cgroup v2 (1 to 10000), as runc and crun do. 0: not given. */
static uint64_t convert_shares(gint64 shares) {
    return shares <= 0 ? 0 : 1 + ((uint64_t)CLAMP(shares, 2, 262144) - 2) * 9999 / 262142;
}

static bool read_processor_limits(GError **error) {
    if (texts.cpus && !dist_parse_cpus(texts.cpus, &dist_run_given.cpu_usec, error))
        return false;
    /* --cpu-quota overrides --cpus. Its period is 100 ms if not given, as in the kernel
     * (cgroup-v2, cpu.max). */
    if (texts.cpu_quota > 0)
        dist_run_given.cpu_usec = (uint64_t)texts.cpu_quota * G_USEC_PER_SEC /
                                  (uint64_t)(texts.cpu_period > 0 ? texts.cpu_period : 100000);
    dist_run_given.cpu_weight = convert_shares(texts.cpu_shares);
    return true;
}

static bool read_health(GError **error) {
    dist_run_given.no_health = texts.no_health || g_strcmp0(texts.health_command, "none") == 0;
    dist_run_given.health_command = dist_run_given.no_health ? NULL : texts.health_command;
    return dist_parse_duration("--health-interval", texts.health_interval,
                               &dist_run_given.health_interval_usec, error) &&
           dist_parse_duration("--health-timeout", texts.health_timeout,
                               &dist_run_given.health_timeout_usec, error) &&
           dist_parse_duration("--health-start-period", texts.health_start,
                               &dist_run_given.health_start_usec, error);
}

/* "always" and "unless-stopped" are the same here: a container that was stopped stays stopped. The
 * service knows the first name only. */
static bool read_restart(GError **error) {
    const char *text = texts.restart;

    if (text && g_str_has_prefix(text, "on-failure:")) {
        if (!g_ascii_string_to_unsigned(text + strlen("on-failure:"), 10, 1, INT32_MAX,
                                        &dist_run_given.restart_limit, NULL))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("invalid value \"%s\" of %s"), text, "--restart");
        dist_run_given.restart = (char *)"on-failure";
        return true;
    }
    dist_run_given.restart =
        g_strcmp0(text, "unless-stopped") == 0 ? (char *)"always" : texts.restart;
    return true;
}

/* "newer" is "always" here, because a pull fetches only what is missing. true and false are the old
 * forms of podman. */
static bool read_pull_policy(GError **error) {
    static const struct {
        const char *name;
        DistPullPolicy policy;
    } policies[] = {
        {"missing", DIST_PULL_MISSING}, {"always", DIST_PULL_ALWAYS}, {"newer", DIST_PULL_ALWAYS},
        {"never", DIST_PULL_NEVER},     {"true", DIST_PULL_ALWAYS},   {"false", DIST_PULL_MISSING},
    };

    for (size_t i = 0; texts.pull && i < G_N_ELEMENTS(policies); i++)
        if (g_str_equal(policies[i].name, texts.pull)) {
            dist_run_given.pull = policies[i].policy;
            return true;
        }
    return !texts.pull ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("--pull takes missing, always, newer or never, not \"%s\""),
                           texts.pull);
}

static bool read_cgroup(GError **error) {
    dist_run_given.with_caller = g_strcmp0(texts.cgroup, "caller") == 0;
    return !texts.cgroup || dist_run_given.with_caller || g_str_equal(texts.cgroup, "scope") ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("--cgroup takes scope or caller, not \"%s\""), texts.cgroup);
}

static bool read_notify(GError **error) {
    static const char *const names[] = {
        [DIST_NOTIFY_STARTED] = "started",
        [DIST_NOTIFY_HEALTHY] = "healthy",
        [DIST_NOTIFY_CONTAINER] = "container",
        [DIST_NOTIFY_NO] = "no",
    };

    for (size_t i = 0; texts.notify && i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(names[i], texts.notify)) {
            dist_run_given.notify = (DistNotify)i;
            return true;
        }
    return !texts.notify ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("--notify takes started, healthy, container or no, not \"%s\""),
                           texts.notify);
}

/* Only with --detach: otherwise output goes to dist's own streams. */
static bool read_log_driver(GError **error) {
    dist_run_given.to_journal = g_strcmp0(texts.log_driver, "none") != 0;
    return !texts.log_driver || !dist_run_given.to_journal ||
           g_str_equal(texts.log_driver, "journald") ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("--log-driver=%s is not supported: output goes to the journal"),
                           texts.log_driver);
}

/* --security-opt=seccomp=… overrides --seccomp. What Berth always does (no-new-privileges) and what
 * it has not (SELinux labels) is accepted. */
static bool read_security(GError **error) {
    for (char **option = texts.security; option && *option; option++) {
        const char *text = *option;
        if (g_str_has_prefix(text, "seccomp=") || g_str_has_prefix(text, "seccomp:"))
            texts.seccomp = (char *)text + strlen("seccomp=");
        else if (!g_str_equal(text, "no-new-privileges") &&
                 !g_str_equal(text, "no-new-privileges:true") &&
                 !g_str_equal(text, "no-new-privileges=true") &&
                 !g_str_equal(text, "label=disable") && !g_str_equal(text, "label:disable"))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   _("--security-opt=%s is not supported: only seccomp=PROFILE, "
                                     "no-new-privileges and label=disable are"),
                                   text);
    }
    dist_run_given.seccomp = dist_read_seccomp(texts.seccomp, error);
    return dist_run_given.seccomp || !texts.seccomp;
}

/* A later variable replaces an earlier one of the same name: the caller's environment comes first,
 * --env last. */
static bool read_environment(GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    if (texts.host_environment)
        dist_add_host_environment(list);
    if (texts.http_proxy)
        dist_add_proxies(list);
    for (char **file = texts.environment_files; file && *file; file++)
        if (!dist_add_variables_of_file(list, *file, error))
            return false;
    if (texts.timezone && !dist_add_timezone(list, texts.timezone, error))
        return false;
    for (char **variable = texts.environment; variable && *variable; variable++)
        dist_add_variable(list, *variable);
    g_ptr_array_add(list, NULL);
    dist_run_given.environment = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
    return true;
}

/* Labels of files come before those of the command line. */
static bool read_labels(GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    for (char **file = texts.label_files; file && *file; file++)
        if (!dist_add_lines_of_file(list, *file, error))
            return false;
    for (char **label = dist_run_given.labels; label && *label; label++)
        g_ptr_array_add(list, *label);
    g_ptr_array_add(list, NULL);
    /* The list alone: what is in it are words of the command line. */
    g_free(dist_run_given.labels);
    dist_run_given.labels = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
    return true;
}

static bool read_mounts(GError **error) {
    DistMountLists lists = {&dist_run_given.volumes, &dist_run_given.tmpfs};

    return dist_mount_fields_read(dist_run_given.mounts, &lists, error);
}

/* --shm-size is a tmpfs on /dev/shm with the flags of the default one and another size. It follows
 * read_mounts(), which extends the same list. */
static bool read_shm_size(GError **error) {
    uint64_t bytes = 0;

    if (!texts.shm_size)
        return true;
    if (!dist_parse_bytes(texts.shm_size, &bytes, error))
        return false;
    dist_option_add_to_list(
        &dist_run_given.tmpfs,
        g_strdup_printf("/dev/shm:nosuid,nodev,noexec,mode=1777,size=%" G_GUINT64_FORMAT, bytes));
    return true;
}

/* Called once, after the whole command line was read, since options depend on each other. */
bool dist_run_options_complete(GError **error) {
    dist_run_given.insecure = !texts.tls_verify;
    dist_run_given.remove |= dist_run_given.remove_image;
    /* credentials.c and its helpers read the variable. */
    if (texts.auth_file)
        g_setenv("REGISTRY_AUTH_FILE", texts.auth_file, TRUE);
    return read_numbers(error) &&
           (!texts.memory || dist_parse_bytes(texts.memory, &dist_run_given.memory, error)) &&
           read_processor_limits(error) && read_health(error) && read_restart(error) &&
           read_pull_policy(error) && read_cgroup(error) && read_notify(error) &&
           read_log_driver(error) && read_security(error) && read_environment(error) &&
           read_labels(error) && read_mounts(error) && read_shm_size(error) &&
           (!texts.platform || dist_check_platform(texts.platform, error)) &&
           (dist_run_given.ports = dist_expand_ports(texts.ports, error)) != NULL;
}
