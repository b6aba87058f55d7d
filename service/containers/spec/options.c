/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The options of Create: a single table, by which they are read and freed, and parsers for the
 * options that are a choice, which later code sees only as enums. The caller owns each
 * BerthCreateOptions.
 */

#include "containers/spec/options.h"

#include "base/names.h"

#include <limits.h>

/* Only the form is checked: before the start, the network may still be created or configured in
 * CNI's files. */
static bool parse_network(BerthCreateOptions *options, const char *text, GError **error) {
    const char *joined = berth_network_get_joined(text);

    if (!berth_name_is_label(joined ? joined : text))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "invalid network \"%.100s\"; use none, host, the name of a "
                               "network, or container: and the name of a container",
                               text);
    options->network_mode = berth_network_parse_mode(text);
    options->network = g_strdup(text);
    return true;
}

static bool parse_seccomp(BerthCreateOptions *options, const char *text, GError **error) {
    if (g_str_equal(text, "default")) {
        options->seccomp = BERTH_SECCOMP_DEFAULT;
    } else if (g_str_equal(text, "unconfined")) {
        options->seccomp = BERTH_SECCOMP_UNCONFINED;
    } else if (text[0] == '{') {
        options->seccomp = BERTH_SECCOMP_PROFILE;
        options->seccomp_profile = g_strdup(text);
    } else {
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "unknown seccomp \"%.100s\"; use default, unconfined or a profile in "
            "JSON",
            text);
    }
    return true;
}

/* "uid=N" or "gid=N", with an id in the container's range. */
static bool kept_id_read_field(BerthKeptId *kept, const char *field) {
    uint32_t *id = g_str_has_prefix(field, "uid=")   ? &kept->uid
                   : g_str_has_prefix(field, "gid=") ? &kept->gid
                                                     : NULL;
    guint64 value;

    if (!id ||
        !g_ascii_string_to_unsigned(field + strlen("uid="), 10, 0, G_MAXUINT32, &value, NULL))
        return false;
    *id = (uint32_t)value;
    return true;
}

/* The form of podman's keep-id[:uid=N,gid=N]. If the caller is root, it stays root in its
 * containers, or becomes the user that it names. */
static bool parse_kept_id(BerthCreateOptions *options, const char *text, GError **error) {
    BerthKeptId kept = {true, options->owner, options->owner};
    g_auto(GStrv) fields = g_strsplit(*text == ':' ? text + 1 : text, ",", -1);

    for (char **field = fields; *field; field++)
        if (*text != ':' || !kept_id_read_field(&kept, *field))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "unknown user namespace \"keep-id%.100s\"; use "
                                   "keep-id:uid=NUMBER,gid=NUMBER",
                                   text);
    if (options->owner == 0)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the user namespace keep-id is for callers that are not root");
    if (kept.uid >= BERTH_IDS_COUNT || kept.gid >= BERTH_IDS_COUNT)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "keep-id: a container has the ids below %u only; use "
                               "keep-id:uid=NUMBER,gid=NUMBER",
                               BERTH_IDS_COUNT);
    options->user_namespace = BERTH_USER_NAMESPACE_AUTO;
    options->kept_id = kept;
    return true;
}

static bool parse_user_namespace(BerthCreateOptions *options, const char *text, GError **error) {
    static const char keep[] = "keep-id";

    if (g_str_has_prefix(text, keep))
        return parse_kept_id(options, text + strlen(keep), error);
    if (!g_str_equal(text, "auto") && !g_str_equal(text, "host"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "unknown user namespace \"%.100s\"; use auto, host or keep-id",
                               text);
    options->user_namespace =
        text[0] == 'h' ? BERTH_USER_NAMESPACE_HOST : BERTH_USER_NAMESPACE_AUTO;
    return true;
}

static bool parse_namespace(BerthNamespaceMode *mode, const char *text, GError **error) {
    if (!g_str_equal(text, "private") && !g_str_equal(text, "host"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "unknown namespace \"%.100s\"; use private or host", text);
    *mode = text[0] == 'h' ? BERTH_NAMESPACE_HOST : BERTH_NAMESPACE_PRIVATE;
    return true;
}

static bool parse_pid_namespace(BerthCreateOptions *options, const char *text, GError **error) {
    return parse_namespace(&options->pid_namespace, text, error);
}

static bool parse_uts_namespace(BerthCreateOptions *options, const char *text, GError **error) {
    return parse_namespace(&options->uts_namespace, text, error);
}

static bool parse_ipc_namespace(BerthCreateOptions *options, const char *text, GError **error) {
    return parse_namespace(&options->ipc_namespace, text, error);
}

static bool parse_cgroup(BerthCreateOptions *options, const char *text, GError **error) {
    if (!g_str_equal(text, "scope") && !g_str_equal(text, "caller"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "unknown cgroup \"%.100s\"; use scope or caller", text);
    options->cgroup = text[0] == 'c' ? BERTH_CGROUP_CALLER : BERTH_CGROUP_SCOPE;
    return true;
}

const char *const berth_health_actions[] = {
    [BERTH_HEALTH_ACTION_NONE] = "none",
    [BERTH_HEALTH_ACTION_KILL] = "kill",
    [BERTH_HEALTH_ACTION_STOP] = "stop",
    NULL,
};

static bool parse_health_action(BerthCreateOptions *options, const char *text, GError **error) {
    for (unsigned i = 0; berth_health_actions[i]; i++)
        if (g_str_equal(text, berth_health_actions[i])) {
            options->health_action = (BerthHealthAction)i;
            return true;
        }
    return berth_error_set(
        error, BERTH_ERROR_INVALID_ARGUMENT,
        "unknown action \"%.100s\" for an unhealthy container; use none, kill or "
        "stop",
        text);
}

static bool parse_restart(BerthCreateOptions *options, const char *text, GError **error) {
    return berth_restart_policy_parse(text, &options->restart) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "unknown restart policy \"%.100s\"; use no, on-failure or always", text);
}

#define FIELD(key, kind, member)                                                                   \
    { key, BERTH_FIELD_##kind, offsetof(BerthCreateOptions, member) }
#define CHOICE(key, member, parse)                                                                 \
    { key, BERTH_FIELD_CHOICE, offsetof(BerthCreateOptions, member), parse }
/* For a container, or for the pod that holds its network. */
#define NETWORK_FIELDS                                                                             \
    CHOICE("Network", network_mode, parse_network), FIELD("Ports", LIST, ports),                   \
        FIELD("Aliases", LIST, aliases), FIELD("StaticAddresses", LIST, addresses),                \
        FIELD("MACAddress", TEXT, mac), FIELD("DNS", LIST, servers),                               \
        FIELD("DNSSearch", LIST, search), FIELD("DNSOptions", LIST, resolver_options),             \
        FIELD("Hosts", LIST, hosts)

const BerthCreateField berth_create_fields[] = {
    FIELD("Command", LIST, command),
    FIELD("Env", LIST, environment),
    FIELD("UnsetEnv", LIST, unset),
    FIELD("Entrypoint", LIST, entrypoint),
    FIELD("Groups", LIST, groups),
    FIELD("Umask", NUMBER, umask),
    FIELD("Init", FLAG, init),
    FIELD("OOMScoreAdjust", INTEGER, oom_score),
    FIELD("ResourceLimits", MAP, resource_limits),
    FIELD("Sysctls", MAP, sysctls),
    FIELD("Personality", TEXT, personality),
    FIELD("Annotations", MAP, annotations),
    FIELD("LogTag", TEXT, log_tag),
    FIELD("WorkingDirectory", TEXT, working_directory),
    FIELD("User", TEXT, user),
    FIELD("Hostname", TEXT, hostname),
    FIELD("Terminal", FLAG, terminal),
    FIELD("ReadOnly", FLAG, read_only),
    FIELD("Labels", MAP, labels),
    FIELD("Devices", LIST, devices),
    NETWORK_FIELDS,
    FIELD("NoHosts", FLAG, no_hosts),
    FIELD("PublishAll", FLAG, publish_all),
    FIELD("HealthCommand", LIST, health_command),
    FIELD("HealthIntervalUSec", NUMBER, health_interval_usec),
    FIELD("HealthTimeoutUSec", NUMBER, health_timeout_usec),
    FIELD("HealthStartPeriodUSec", NUMBER, health_start_usec),
    FIELD("HealthStartIntervalUSec", NUMBER, health_start_interval_usec),
    FIELD("HealthRetries", NUMBER, health_retries),
    CHOICE("HealthOnFailure", health_action, parse_health_action),
    FIELD("HealthStartupCommand", LIST, startup_command),
    FIELD("HealthStartupIntervalUSec", NUMBER, startup_interval_usec),
    FIELD("HealthStartupTimeoutUSec", NUMBER, startup_timeout_usec),
    FIELD("HealthStartupRetries", NUMBER, startup_retries),
    FIELD("HealthStartupSuccesses", NUMBER, startup_successes),
    CHOICE("UserNamespace", user_namespace, parse_user_namespace),
    CHOICE("PIDNamespace", pid_namespace, parse_pid_namespace),
    CHOICE("IPCNamespace", ipc_namespace, parse_ipc_namespace),
    CHOICE("UTSNamespace", uts_namespace, parse_uts_namespace),
    FIELD("CapabilitiesAdd", LIST, capabilities_add),
    FIELD("CapabilitiesDrop", LIST, capabilities_drop),
    CHOICE("Seccomp", seccomp, parse_seccomp),
    FIELD("MaskedPaths", LIST, masked),
    FIELD("UnmaskedPaths", LIST, unmasked),
    FIELD("AppArmorProfile", TEXT, apparmor),
    FIELD("Spec", TEXT, spec),
    FIELD("RootDirectory", FILE, root_directory),
    FIELD("MemoryMax", LIMIT, limits.memory_max),
    FIELD("TasksMax", LIMIT, limits.tasks_max),
    FIELD("CPUQuotaPerSecUSec", LIMIT, limits.cpu_quota),
    FIELD("CPUWeight", LIMIT, limits.cpu_weight),
    FIELD("RuntimeMaxUSec", LIMIT, limits.runtime_max),
    FIELD("Slice", TEXT, slice),
    FIELD("Pod", TEXT, pod),
    CHOICE("Cgroup", cgroup, parse_cgroup),
    FIELD("UnitBound", FLAG, unit_bound),
    CHOICE("Restart", restart, parse_restart),
    FIELD("RestartLimit", NUMBER, restart_limit),
    FIELD("Autostart", FLAG, autostart),
    FIELD("StopSignal", TEXT, stop_signal),
    FIELD("StopTimeoutUSec", NUMBER, stop_timeout_usec),
    FIELD("AutoRemove", FLAG, auto_remove),
    {NULL},
};

static bool parse_pod_exit(BerthCreateOptions *options, const char *text, GError **error) {
    if (!g_str_equal(text, "stop") && !g_str_equal(text, "continue"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "unknown exit policy \"%.100s\"; use stop or continue", text);
    options->pod_exit = text[0] == 's' ? BERTH_POD_EXIT_STOP : BERTH_POD_EXIT_CONTINUE;
    return true;
}

/* What the containers of a pod share, and where the pod's own process runs. */
const BerthCreateField berth_pod_fields[] = {
    FIELD("Hostname", TEXT, hostname),
    FIELD("Labels", MAP, labels),
    NETWORK_FIELDS,
    FIELD("Sysctls", MAP, sysctls),
    CHOICE("UserNamespace", user_namespace, parse_user_namespace),
    FIELD("ShmSize", NUMBER, shm_size),
    FIELD("Slice", TEXT, slice),
    CHOICE("Cgroup", cgroup, parse_cgroup),
    CHOICE("ExitPolicy", pod_exit, parse_pod_exit),
    FIELD("AutoRemove", FLAG, auto_remove),
    {NULL},
};

BerthCreateOptions *berth_create_options_new(uint32_t owner) {
    BerthCreateOptions *options = g_new0(BerthCreateOptions, 1);

    options->owner = owner;
    /* Where 0 is a valid value, one that no caller can pass means "not given". */
    options->root_directory = -1;
    options->stop_timeout_usec = UINT64_MAX;
    options->umask = UINT64_MAX;
    options->oom_score = INT_MAX;
    return options;
}

/* Members of other kinds own nothing, or are freed by name below. */
static void free_member(BerthCreateOptions *options, const BerthCreateField *field) {
    void *member = (char *)options + field->offset;

    if (field->kind == BERTH_FIELD_TEXT)
        g_free(*(char **)member);
    else if (field->kind == BERTH_FIELD_LIST || field->kind == BERTH_FIELD_MAP)
        g_strfreev(*(char ***)member);
}

void berth_create_options_free(BerthCreateOptions *options) {
    if (!options)
        return;
    for (const BerthCreateField *field = berth_create_fields; field->key; field++)
        free_member(options, field);
    g_free((char *)options->id);
    g_free((char *)options->image);
    g_free((char *)options->network);
    g_free((char *)options->seccomp_profile);
    g_free((char *)options->client);
    g_free((char *)options->creator);
    g_strfreev(options->pod_networks);
    g_free(options->cgroup_parent);
    g_free(options->bound_unit);
    g_clear_pointer(&options->plan, berth_plan_free);
    g_clear_pointer(&options->additional_endpoints, g_ptr_array_unref);
    g_clear_pointer(&options->mounts, g_ptr_array_unref);
    g_clear_pointer(&options->root_mount, g_ptr_array_unref);
    g_strfreev(options->pinned);
    g_clear_pointer(&options->secrets, g_ptr_array_unref);
    g_clear_pointer(&options->other_limits, g_variant_dict_unref);
    g_clear_pointer(&options->properties, g_variant_unref);
    g_free(options);
}

bool berth_create_options_parse_spec(BerthCreateOptions *options, GError **error) {
    g_clear_pointer(&options->plan, berth_plan_free);
    return !options->spec ||
           (options->plan = berth_plan_parse(options->spec, strlen(options->spec), error)) != NULL;
}

/* Collects the limits of the scope under systemd's names: those in the table, and the other limits,
 * which are copied unchanged. */
void berth_create_options_set_properties(BerthCreateOptions *options) {
    g_autoptr(GVariant) others = options->other_limits
                                     ? g_variant_ref_sink(g_variant_dict_end(options->other_limits))
                                     : NULL;
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(others);

    for (const BerthCreateField *field = berth_create_fields; field->key; field++) {
        const uint64_t *value = (const void *)((const char *)options + field->offset);
        if (field->kind == BERTH_FIELD_LIMIT && *value > 0)
            g_variant_dict_insert(&properties, field->key, "t", *value);
    }
    g_clear_pointer(&options->properties, g_variant_unref);
    options->properties = g_variant_ref_sink(g_variant_dict_end(&properties));
}
