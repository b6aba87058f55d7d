/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks the options of Create before anything is looked up or created. The error names the invalid
 * option. There is no state here.
 */

#include "containers/spec/options-check.h"

#include "base/limits.h"
#include "base/names.h"
#include "base/signals.h"
#include "containers/spec/capabilities.h"
#include "containers/spec/mounts.h"
#include "containers/spec/network-endpoints.h"
#include "containers/spec/network-options.h"
#include "containers/spec/port.h"
#include "containers/spec/resource-limits.h"
#include "containers/spec/slices.h"
#include "containers/spec/spec.h"

#include <inttypes.h>
#include <string.h>

/* The kernel's limit (gethostname(2), HOST_NAME_MAX), and one for names in lines of a log. */
enum { MAX_HOST_NAME = 64, MAX_LOG_TAG = 128 };

static bool check_host_name(const char *name, GError **error) {
    size_t length = strlen(name);
    bool good = length > 0 && length <= MAX_HOST_NAME;

    for (const char *c = name; good && *c; c++)
        good = g_ascii_isalnum(*c) || (strchr("-._", *c) && c != name);
    return good || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid host name \"%.100s\"", name);
}

/* execve(2) accepts any text, but most programs would ignore one without a name or "=". */
static bool check_environment(char *const *environment, GError **error) {
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals || equals == *environment)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid variable \"%.100s\": not of the form NAME=VALUE",
                                   *environment);
    }
    return true;
}

/* A container in its caller's cgroup lives as long as the caller's unit, which is responsible for
 * restarts. */
static bool check_cgroup(const BerthCreateOptions *options, GError **error) {
    const char *other = options->restart != BERTH_RESTART_NO ? "Restart"
                        : options->autostart                 ? "Autostart"
                        : options->slice                     ? "Slice"
                        : options->unit_bound                ? "UnitBound"
                                                             : NULL;

    return options->cgroup != BERTH_CGROUP_CALLER || !other ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "%s and Cgroup=caller exclude each other: the caller's unit "
                           "determines it",
                           other);
}

/* A container that starts at boot is started before the unit, and independently of it. */
static bool check_bound(const BerthCreateOptions *options, GError **error) {
    return !options->unit_bound || !options->autostart ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "Autostart and UnitBound exclude each other");
}

/* The first option that concerns what a container shares with its pod or, of those for the network
 * and the start at boot, with the container whose network it joins. NULL if there is none. */
static const char *find_shared_option(const BerthCreateOptions *options, bool in_pod) {
    const struct {
        const char *key;
        bool given, only_in_pod;
    } shared[] = {
        {"Ports", options->ports},
        {"PublishAll", options->publish_all},
        {"Aliases", options->aliases},
        {"StaticAddresses", options->addresses},
        {"MACAddress", options->mac},
        {"DNS", options->servers},
        {"DNSSearch", options->search},
        {"DNSOptions", options->resolver_options},
        {"Hosts", options->hosts},
        {"Autostart", options->autostart},
        {"Spec", options->spec},
        {"FurtherNetworks", options->additional_endpoints},
        {"IPCNamespace", options->ipc_namespace == BERTH_NAMESPACE_HOST, true},
        {"UTSNamespace", options->uts_namespace == BERTH_NAMESPACE_HOST, true},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(shared); i++)
        if (shared[i].given && (in_pod || !shared[i].only_in_pod))
            return shared[i].key;
    return NULL;
}

/* The pod decides about everything that its containers share, and a container about its network,
 * for those that join it. */
static bool check_shared(const BerthCreateOptions *options, GError **error) {
    const char *joined = berth_network_get_joined(options->network);
    const char *key = options->pod || joined ? find_shared_option(options, options->pod) : NULL;

    if (key && options->pod)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "%s and Pod exclude each other: set it for the pod", key);
    if (joined && options->pod_exit != BERTH_POD_NOT)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a pod has a network of its own; it cannot join that of a "
                               "container");
    return !key || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "%s and the network of another container exclude each other: "
                                   "set it for container \"%s\"",
                                   key, joined);
}

static bool check_combinations(const BerthCreateOptions *options, GError **error) {
    if (options->restart_limit > 0 && options->restart != BERTH_RESTART_ON_FAILURE)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a limit of restarts needs the restart policy on-failure");
    if (options->auto_remove && options->restart != BERTH_RESTART_NO)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a container that removes itself cannot be restarted");
    if (options->kept_id.given && (options->spec || options->pod_exit != BERTH_POD_NOT))
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "the user namespace keep-id is for a container without Spec, and not "
            "for a pod");
    if (options->hostname && options->uts_namespace == BERTH_NAMESPACE_HOST)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "Hostname and UTSNamespace=host exclude each other");
    if (options->secrets && options->spec)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "Secrets and Spec exclude each other");
    if ((options->pid_namespace == BERTH_NAMESPACE_HOST ||
         options->ipc_namespace == BERTH_NAMESPACE_HOST ||
         options->uts_namespace == BERTH_NAMESPACE_HOST) &&
        options->spec)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a namespace of the host and Spec exclude each other");
    return check_cgroup(options, error) && check_bound(options, error) &&
           check_shared(options, error) && berth_ports_check(options, error) &&
           berth_network_options_check(options, error) &&
           berth_network_endpoints_check(options->additional_endpoints, options->network,
                                         options->owner, error) &&
           (!options->slice || berth_slice_check(options->slice, error));
}

/* Patterns are matched with the default paths only, so that any text is safe there. */
static bool check_hidden_paths(const BerthCreateOptions *options, GError **error) {
    char *const *const lists[] = {options->masked, options->unmasked};

    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        if (lists[i] && g_strv_length((char **)lists[i]) > BERTH_MAX_HIDDEN_PATHS)
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "more than %u paths in %s",
                                   BERTH_MAX_HIDDEN_PATHS,
                                   i == 0 ? "MaskedPaths" : "UnmaskedPaths");
    for (char *const *path = options->masked; path && *path; path++)
        if ((*path)[0] != '/')
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "the path to mask \"%.200s\" is not absolute", *path);
    if (options->spec && (options->masked || options->unmasked || options->apparmor))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "%s and Spec exclude each other",
                               options->apparmor ? "AppArmorProfile"
                               : options->masked ? "MaskedPaths"
                                                 : "UnmaskedPaths");
    return !options->apparmor || options->apparmor[0] ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the name of an AppArmor profile is empty");
}

static bool check_stop_signal(const char *name, GError **error) {
    return !name || berth_signal_parse(name) > 0 ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "unknown signal \"%.100s\"", name);
}

/* As in /etc/group, a name cannot contain the separators. */
static bool check_groups(char *const *groups, GError **error) {
    for (; groups && *groups; groups++)
        if (!(*groups)[0] || strpbrk(*groups, ":,\n"))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "invalid group \"%.100s\"",
                                   *groups);
    return true;
}

static bool check_annotations(char *const *annotations, GError **error) {
    for (; annotations && *annotations; annotations += 2)
        if (!(*annotations)[0] || g_str_has_prefix(*annotations, "org.berth1."))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "invalid annotation \"%.100s\": names that begin with "
                                   "org.berth1. are the service's own",
                                   *annotations);
    return true;
}

/* The journal's protocol ends it with a line break (launch/journal.c). */
static bool check_log_tag(const BerthCreateOptions *options, GError **error) {
    const char *tag = options->log_tag;
    size_t length = tag ? strlen(tag) : 0;
    bool good = !tag || (length > 0 && length <= MAX_LOG_TAG);

    for (const char *c = tag; good && c && *c; c++)
        good = !g_ascii_iscntrl(*c);
    if (!good)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the log tag is empty, longer than %d bytes or has control "
                               "characters",
                               MAX_LOG_TAG);
    return !tag || !options->spec ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "LogTag and Spec exclude each other");
}

/* berth-init is mounted on the /dev that the service creates. Orphans are reaped by the first
 * process of a PID namespace (pid_namespaces(7)), which in the host's namespace is systemd. */
static bool check_init(const BerthCreateOptions *options, GError **error) {
    if (options->init && options->pid_namespace == BERTH_NAMESPACE_HOST)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "Init and PIDNamespace=host exclude each other");
    for (guint i = 0; options->init && options->mounts && i < options->mounts->len; i++) {
        const BerthMountRequest *mount = options->mounts->pdata[i];
        if (g_str_equal(mount->destination, "/dev"))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "Init needs the container's own /dev, but something is mounted "
                                   "there");
    }
    return true;
}

static bool check_process(const BerthCreateOptions *options, GError **error) {
    if (options->umask != UINT64_MAX && options->umask > 0777)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the umask %" PRIo64 " is above 0777", options->umask);
    return check_groups(options->groups, error) && check_annotations(options->annotations, error) &&
           check_log_tag(options, error) && check_init(options, error) &&
           check_hidden_paths(options, error) &&
           berth_resource_limits_check(options->resource_limits, error);
}

bool berth_create_options_check_counts(const BerthCreateOptions *options, GError **error) {
    return berth_ports_check_count(options, error) &&
           berth_network_endpoints_check_count(options->additional_endpoints, error);
}

bool berth_create_options_check(const BerthCreateOptions *options, GError **error) {
    return (options->pod_exit == BERTH_POD_NOT ? berth_name_check_container(options->id, error)
                                               : berth_name_check_pod(options->id, error)) &&
           (!options->hostname || check_host_name(options->hostname, error)) &&
           check_environment(options->environment, error) &&
           berth_capabilities_check(options->capabilities_add, error) &&
           berth_capabilities_check(options->capabilities_drop, error) &&
           check_process(options, error) && check_combinations(options, error) &&
           check_stop_signal(options->stop_signal, error);
}
