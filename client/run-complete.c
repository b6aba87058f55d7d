/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts the texts that the options of create and run have stored (run-options-private.h) to
 * numbers and choices in dist_run_given, once, after the whole command line has been parsed:
 * options depend on each other.
 */

#include "client/run-options-private.h"

#include "client/mount-fields.h"
#include "client/network-options.h"
#include "client/run-process.h"
#include "client/run-values.h"
#include "client/scope-limits.h"
#include "client/volumes-from.h"

#include <stdlib.h>
#include <string.h>

/* least is the smallest valid value; -1 means that --stop-timeout is not given. */
static bool read_numbers(GError **error) {
    const struct {
        const char *option;
        gint64 value, least;
    } numbers[] = {
        {"--stop-timeout", dist_run_texts.stop_timeout, -1},
        {"--health-retries", dist_run_texts.health_retries, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].value < numbers[i].least) {
            g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, numbers[i].value);
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("%s %s: the number must not be negative"), numbers[i].option,
                                   text);
        }
    dist_run_given.has_stop_timeout = dist_run_texts.stop_timeout >= 0;
    if (dist_run_texts.stop_timeout >= 0)
        dist_run_given.stop_timeout_usec = (uint64_t)dist_run_texts.stop_timeout * G_USEC_PER_SEC;
    dist_run_given.health_retries = (uint64_t)dist_run_texts.health_retries;
    return true;
}

static bool read_health(GError **error) {
    dist_run_given.no_health =
        dist_run_texts.no_health || g_strcmp0(dist_run_texts.health_command, "none") == 0;
    dist_run_given.health_command = dist_run_given.no_health ? NULL : dist_run_texts.health_command;
    return dist_parse_duration("--health-interval", dist_run_texts.health_interval,
                               &dist_run_given.health_interval_usec, error) &&
           dist_parse_duration("--health-timeout", dist_run_texts.health_timeout,
                               &dist_run_given.health_timeout_usec, error) &&
           dist_parse_duration("--health-start-period", dist_run_texts.health_start,
                               &dist_run_given.health_start_usec, error) &&
           dist_parse_duration("--health-start-interval", dist_run_texts.health_start_interval,
                               &dist_run_given.health_start_interval_usec, error);
}

/* "always" and "unless-stopped" are the same here: a container that was stopped stays stopped until
 * the system boots. The service only has "always". */
static bool read_restart(GError **error) {
    const char *text = dist_run_texts.restart;

    if (text && g_str_has_prefix(text, "on-failure:")) {
        if (!g_ascii_string_to_unsigned(text + strlen("on-failure:"), 10, 1, INT32_MAX,
                                        &dist_run_given.restart_limit, NULL))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("invalid value \"%s\" of %s"), text, "--restart");
        dist_run_given.restart = (char *)"on-failure";
        return true;
    }
    dist_run_given.restart =
        g_strcmp0(text, "unless-stopped") == 0 ? (char *)"always" : dist_run_texts.restart;
    return true;
}

/* As in docker, "always" and "unless-stopped" outlive a reboot. If a unit or a pod starts the
 * container, that takes care of it, and one that joins another's network cannot start before that
 * one. */
static bool read_autostart(GError **error) {
    bool by_others = dist_run_given.with_caller || dist_run_given.unit_bound ||
                     dist_run_given.pod || dist_network_joins_container();

    (void)error;
    if (dist_run_given.autostart == DIST_NOT_GIVEN)
        dist_run_given.autostart = !by_others && g_strcmp0(dist_run_given.restart, "always") == 0;
    return true;
}

/* "newer" is the same as "always" here, because a pull fetches only what is missing. true and false
 * are podman's old values. */
static bool read_pull_policy(GError **error) {
    static const struct {
        const char *name;
        DistPullPolicy policy;
    } policies[] = {
        {"missing", DIST_PULL_MISSING}, {"always", DIST_PULL_ALWAYS}, {"newer", DIST_PULL_ALWAYS},
        {"never", DIST_PULL_NEVER},     {"true", DIST_PULL_ALWAYS},   {"false", DIST_PULL_MISSING},
    };

    for (size_t i = 0; dist_run_texts.pull && i < G_N_ELEMENTS(policies); i++)
        if (g_str_equal(policies[i].name, dist_run_texts.pull)) {
            dist_run_given.pull = policies[i].policy;
            return true;
        }
    return !dist_run_texts.pull ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("--pull takes missing, always, newer or never, not \"%s\""),
                           dist_run_texts.pull);
}

static bool read_cgroup(GError **error) {
    dist_run_given.with_caller = g_strcmp0(dist_run_texts.cgroup, "caller") == 0;
    return !dist_run_texts.cgroup || dist_run_given.with_caller ||
           g_str_equal(dist_run_texts.cgroup, "scope") ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("--cgroup takes scope or caller, not \"%s\""), dist_run_texts.cgroup);
}

static bool read_notify(GError **error) {
    static const char *const names[] = {
        [DIST_NOTIFY_STARTED] = "started",
        [DIST_NOTIFY_HEALTHY] = "healthy",
        [DIST_NOTIFY_CONTAINER] = "container",
        [DIST_NOTIFY_NO] = "no",
    };

    for (size_t i = 0; dist_run_texts.notify && i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(names[i], dist_run_texts.notify)) {
            dist_run_given.notify = (DistNotify)i;
            return true;
        }
    return !dist_run_texts.notify ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("--notify takes started, healthy, container or no, not \"%s\""),
                           dist_run_texts.notify);
}

/* podman's, by which a container has the streams of its caller. dist passes its own on, unless it
 * leaves. */
static bool is_passthrough(const char *driver) {
    return g_str_equal(driver, "passthrough") || g_str_equal(driver, "passthrough-tty");
}

/* Only with --detach: otherwise output goes to dist's own streams. */
static bool read_log_driver(GError **error) {
    dist_run_given.to_journal = g_strcmp0(dist_run_texts.log_driver, "none") != 0;
    return !dist_run_texts.log_driver || !dist_run_given.to_journal ||
           g_str_equal(dist_run_texts.log_driver, "journald") ||
           (!dist_run_given.detach && is_passthrough(dist_run_texts.log_driver)) ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("--log-driver=%s is not supported: output goes to the journal"),
                           dist_run_texts.log_driver);
}

/* Options that describe what Berth always does, or turn off what it does not have: SELinux labels
 * and AppArmor profiles. */
static bool is_always_so(const char *option) {
    static const char *const all[] = {
        "no-new-privileges", "no-new-privileges:true", "no-new-privileges=true", "label=disable",
        "label:disable",     "apparmor=unconfined",    "apparmor:unconfined",    NULL};

    return g_strv_contains(all, option);
}

/* Paths with colons between them. */
static void add_paths(char ***list, const char *text) {
    g_auto(GStrv) paths = g_strsplit(text, ":", -1);

    for (char **path = paths; *path; path++)
        if (**path)
            dist_option_add_to_list(list, g_strdup(*path));
}

/* NAME=VALUE, or as docker has it, NAME:VALUE. */
static const char *get_security_value(const char *option, const char *name) {
    size_t length = strlen(name);

    return g_str_has_prefix(option, name) && (option[length] == '=' || option[length] == ':')
               ? option + length + 1
               : NULL;
}

/* False if there is no such option. --security-opt=seccomp=… overrides --seccomp. */
static bool take_security(const char *option) {
    const char *value;

    if (is_always_so(option))
        return true;
    if ((value = get_security_value(option, "seccomp")))
        dist_run_texts.seccomp = (char *)value;
    else if ((value = get_security_value(option, "mask")))
        add_paths(&dist_run_given.masked, value);
    else if ((value = get_security_value(option, "unmask")))
        add_paths(&dist_run_given.unmasked, value);
    else if ((value = get_security_value(option, "apparmor")))
        dist_run_given.apparmor = (char *)value;
    return value != NULL;
}

static bool read_security(GError **error) {
    for (char **option = dist_run_texts.security; option && *option; option++) {
        const char *text = *option;
        if (!take_security(text))
            return berth_error_set(
                error, BERTH_ERROR_UNSUPPORTED,
                _("--security-opt=%s is not supported: only seccomp=PROFILE, apparmor=PROFILE, "
                  "mask=PATH, unmask=PATH, no-new-privileges and label=disable are"),
                text);
    }
    dist_run_given.seccomp = dist_read_seccomp(dist_run_texts.seccomp, error);
    return dist_run_given.seccomp || !dist_run_texts.seccomp;
}

/* A later variable replaces an earlier one of the same name: the caller's environment comes first,
 * --env last. */
static bool read_environment(GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    if (dist_run_texts.host_environment)
        dist_add_host_environment(list);
    if (dist_run_texts.http_proxy)
        dist_add_proxies(list);
    for (char **file = dist_run_texts.environment_files; file && *file; file++)
        if (!dist_add_variables_of_file(list, *file, error))
            return false;
    if (dist_run_texts.timezone && !dist_add_timezone(list, dist_run_texts.timezone, error))
        return false;
    for (char **variable = dist_run_texts.environment; variable && *variable; variable++)
        dist_add_variable(list, *variable);
    g_ptr_array_add(list, NULL);
    dist_run_given.environment = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
    return true;
}

/* Labels from files come before those of the command line. */
static bool read_labels(GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    for (char **file = dist_run_texts.label_files; file && *file; file++)
        if (!dist_add_lines_of_file(list, *file, error))
            return false;
    for (char **label = dist_run_given.labels; label && *label; label++)
        g_ptr_array_add(list, *label);
    g_ptr_array_add(list, NULL);
    /* Only the list is freed: its elements belong to the command line. */
    g_free(dist_run_given.labels);
    dist_run_given.labels = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
    return true;
}

static bool read_mounts(GError **error) {
    DistMountLists lists = {&dist_run_given.volumes, &dist_run_given.own_volumes,
                            &dist_run_given.tmpfs, &dist_run_given.images};

    if (!dist_volumes_from(dist_run_texts.volume_sources, &dist_run_given.volumes, error))
        return false;
    dist_mount_lists_split(&lists);
    return dist_mount_fields_read(dist_run_given.mounts, &lists, error);
}

/* --shm-size mounts a tmpfs on /dev/shm with the flags of the default one and another size. Called
 * after read_mounts(), which extends the same list. */
static bool read_shm_size(GError **error) {
    uint64_t bytes = 0;

    if (!dist_run_texts.shm_size)
        return true;
    if (!dist_parse_bytes(dist_run_texts.shm_size, &bytes, error))
        return false;
    dist_option_add_to_list(
        &dist_run_given.tmpfs,
        g_strdup_printf("/dev/shm:nosuid,nodev,noexec,mode=1777,size=%" G_GUINT64_FORMAT, bytes));
    return true;
}

/* podman's "" and, for --ipc, "shareable" mean "private"; container:ID and ns:PATH join other
 * namespaces. */
static bool read_namespace(const char *option, char **mode, GError **error) {
    static const char *const alike[] = {"", "private", "shareable", NULL};

    if (*mode && g_strv_contains(alike, *mode))
        *mode = NULL;
    return !*mode || g_str_equal(*mode, "host") ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("%s=%s is not supported: the namespace is private or host"), option,
                           *mode);
}

/* --os, --arch and --variant are the parts of --platform. */
static bool read_platform(GError **error) {
    g_autofree char *own = dist_get_platform();
    g_autofree char *parts = NULL;

    if (dist_run_texts.system || dist_run_texts.architecture || dist_run_texts.variant)
        parts = g_strconcat(dist_run_texts.system ? dist_run_texts.system : "linux", "/",
                            dist_run_texts.architecture ? dist_run_texts.architecture
                                                        : strchr(own, '/') + 1,
                            dist_run_texts.variant ? "/" : NULL, dist_run_texts.variant, NULL);
    return (!parts || dist_check_platform(parts, error)) &&
           (!dist_run_texts.platform || dist_check_platform(dist_run_texts.platform, error));
}

static bool read_namespaces(GError **error) {
    return read_namespace("--pid", &dist_run_given.pid_namespace, error) &&
           read_namespace("--ipc", &dist_run_given.ipc_namespace, error) &&
           read_namespace("--uts", &dist_run_given.uts_namespace, error);
}

static bool read_gpus(GError **error) {
    for (char **gpus = dist_run_texts.gpus; gpus && *gpus; gpus++)
        if (!dist_add_gpus(&dist_run_given.devices, *gpus, error))
            return false;
    return true;
}

/* A directory, a bundle, and an image with a configuration are different roots. Only an image has
 * variables to merge with, or can be removed. */
static bool check_root(GError **error) {
    const DistRunOptions *given = &dist_run_given;
    const char *other = given->bundle ? "--bundle" : given->spec ? "--spec" : NULL;

    if (given->rootfs && other)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("%s and --rootfs exclude each other"), other);
    return !given->merged || !(given->rootfs || given->bundle) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                           _("--env-merge needs an image"));
}

/* Called once, after the whole command line has been parsed, since options depend on each other. */
bool dist_run_options_complete(GError **error) {
    dist_run_given.insecure = !dist_run_texts.tls_verify;
    dist_run_given.remove |= dist_run_given.remove_image;
    /* credentials.c and credential helpers read the variable. */
    if (dist_run_texts.auth_file)
        g_setenv("REGISTRY_AUTH_FILE", dist_run_texts.auth_file, TRUE);
    return check_root(error) && read_numbers(error) && dist_limits_complete(error) &&
           read_health(error) && read_restart(error) && read_pull_policy(error) &&
           read_cgroup(error) && read_autostart(error) && read_notify(error) &&
           read_log_driver(error) && read_security(error) && read_environment(error) &&
           read_labels(error) && read_mounts(error) && read_shm_size(error) &&
           read_namespaces(error) && read_gpus(error) && read_platform(error) &&
           (dist_run_given.ports = dist_expand_ports(dist_run_texts.ports, error)) != NULL;
}
