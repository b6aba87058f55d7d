/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A runtime configuration can request nearly everything on the machine, so a rule that grants
 * "spec" must not grant all of that with it. Everything that is weaker than a container made from
 * Create's options has a separate name here. A configuration without any name is plain: it needs no
 * privilege, and gets the filter and the hidden paths of Create's own containers. There is no state
 * here. The one thing to know: a new member that plan/ reads and berth-launch carries out must get
 * its name here in the same change, and its place in spec-members.c.
 */

#include "containers/spec/spec-privileges.h"

#include "containers/spec/capabilities.h"
#include "containers/spec/devices.h"
#include "containers/spec/filter-listener.h"
#include "containers/spec/privilege-names.h"
#include "containers/spec/properties.h"
#include "containers/spec/resource-limits.h"
#include "containers/spec/slices.h"
#include "containers/spec/spec-binds.h"
#include "containers/spec/spec-members.h"
#include "containers/spec/spec.h"

#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void add_capability_privileges(GPtrArray *names, const BerthPlan *plan) {
    uint64_t bits =
        plan->bounding | plan->permitted | plan->effective | plan->inheritable | plan->ambient;
    const BerthCreateOptions none = {.root_directory = -1};
    g_auto(GStrv) usual = berth_capabilities_make(&none);

    for (cap_value_t value = 0; value < 64 && bits >> value; value++) {
        if (!(bits >> value & 1))
            continue;
        char *lower = cap_to_name(value);
        g_autofree char *name = g_ascii_strup(lower, -1);
        cap_free(lower);
        if (!g_strv_contains((const char *const *)usual, name))
            berth_privileges_add(names, "capability:", name);
    }
}

/* Limits above the service's own, which are a container's default. */
static void add_limits(GPtrArray *names, const BerthPlan *plan) {
    for (guint i = 0; i < plan->limits->len; i++) {
        const BerthPlanLimit *limit = &g_array_index(plan->limits, BerthPlanLimit, i);
        if (berth_resource_limit_is_raised(limit->resource, limit->hard))
            berth_privileges_add(names, "limit:", limit->name);
    }
}

/* SCHED_FLAG_RESET_ON_FORK only takes something away; every other flag may grant something. */
static bool has_raised_priority(const BerthPlan *plan) {
    return (plan->has_scheduler &&
            (plan->scheduler.nice < 0 || (plan->scheduler.flags & ~UINT64_C(1)) ||
             plan->scheduler.policy == SCHED_FIFO || plan->scheduler.policy == SCHED_RR ||
             plan->scheduler.policy == SCHED_DEADLINE)) ||
           (plan->has_io_priority && IOPRIO_PRIO_CLASS(plan->io_priority) == IOPRIO_CLASS_RT);
}

void berth_spec_add_process_privileges(GPtrArray *names, const BerthPlan *plan) {
    add_capability_privileges(names, plan);
    add_limits(names, plan);
    if (!plan->no_new_privileges)
        berth_privileges_add(names, "new-privileges", "");
    if (plan->apparmor && plan->apparmor[0])
        berth_privileges_add(names, "label:", plan->apparmor);
    if (has_raised_priority(plan))
        berth_privileges_add(names, "scheduler", "");
    if (plan->has_oom_score && plan->oom_score < 0)
        berth_privileges_add(names, "oom-score", "");
}

static void add_namespaces(GPtrArray *names, const BerthPlan *plan) {
    static const struct {
        int flag;
        const char *name;
    } shared[] = {
        {CLONE_NEWNET, "host-network"}, {CLONE_NEWUSER, "host-users"},
        {CLONE_NEWPID, "host-pid"},     {CLONE_NEWIPC, "host-ipc"},
        {CLONE_NEWUTS, "host-uts"},     {CLONE_NEWCGROUP, "host-cgroup"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(shared); i++)
        if (!berth_plan_find_namespace(plan, shared[i].flag))
            berth_privileges_add(names, shared[i].name, "");
    for (guint i = 0; i < plan->namespaces->len; i++) {
        const BerthPlanNamespace *entry = &g_array_index(plan->namespaces, BerthPlanNamespace, i);
        if (entry->path)
            berth_privileges_add_path(names, "namespace:", entry->path);
    }
}

/* The host ids of the container, which in a caller's own configuration are the caller's choice. */
static void add_ids(GPtrArray *names, const char *kind, const GArray *ranges) {
    for (guint i = 0; ranges && i < ranges->len; i++) {
        const BerthPlanRange *range = &g_array_index(ranges, BerthPlanRange, i);
        g_autofree char *text =
            g_strdup_printf("%u-%u", range->outside, range->outside + (range->count - 1));
        berth_privileges_add(names, kind, text);
    }
}

/* File systems that belong to the container's namespaces, with only those options that adjust them.
 * A second proc or sysfs would have nothing masked. */
static const struct {
    const char *type, *destination; /* NULL: anywhere */
    const char *options[8];         /* one that ends in "=" accepts any value */
} free_types[] = {
    {"proc", "/proc", {"hidepid=", "subset=pid"}},
    {"sysfs", "/sys", {NULL}},
    {"tmpfs", NULL, {"size=", "nr_blocks=", "nr_inodes=", "mode=", "uid=", "gid="}},
    {"devpts", NULL, {"newinstance", "ptmxmode=", "mode=", "uid=", "gid="}},
    {"mqueue", NULL, {NULL}},
    {"cgroup", NULL, {NULL}},
    {"cgroup2", NULL, {NULL}},
};

static bool is_free_option(const char *const *options, const char *option) {
    for (; *options; options++)
        if (g_str_has_suffix(*options, "=") ? g_str_has_prefix(option, *options)
                                            : g_str_equal(option, *options))
            return true;
    return false;
}

static void add_file_system(GPtrArray *names, const BerthPlanMount *mount) {
    size_t i = 0;

    while (i < G_N_ELEMENTS(free_types) && !g_str_equal(free_types[i].type, mount->type))
        i++;
    if (i == G_N_ELEMENTS(free_types)) {
        g_autofree char *kind = g_strconcat("mount:", mount->type, ":", NULL);
        berth_privileges_add_path(names, kind, mount->source ? mount->source : "");
        return;
    }
    if (free_types[i].destination && !g_str_equal(free_types[i].destination, mount->destination))
        berth_privileges_add(names, "unmasked", "");
    for (guint n = 0; n < mount->data->len; n++)
        if (!is_free_option(free_types[i].options, mount->data->pdata[n])) {
            g_autofree char *what = g_strconcat(mount->type, ":", mount->data->pdata[n], NULL);
            berth_privileges_add(names, "mount-option:", what);
        }
}

/* request has the descriptor of the source of a bind mount, which shows what is mounted; or
 * NULL. */
static void add_mount_privilege(GPtrArray *names, const BerthPlan *plan,
                                const BerthPlanMount *mount, const BerthMountRequest *request) {
    const char *source = request ? request->source : mount->source ? mount->source : "";

    if (berth_mount_is_bind(mount->kind) && !berth_spec_is_owned(plan, mount, request))
        berth_privileges_add_path(names, "bind:", source);
    else if (!berth_mount_is_bind(mount->kind))
        add_file_system(names, mount);
    /* A relative path would escape comparisons with absolute ones, such as that with "/proc" above
     * and is_kernels in launch/mounts.c. */
    if (!berth_plan_path_is_below_root(mount->destination))
        berth_privileges_add(names, "mount-at:", mount->destination);
    if (mount->idmap != BERTH_IDMAP_NONE)
        berth_privileges_add_path(names, "idmap:", source);
    if (mount->propagation & MS_SHARED)
        berth_privileges_add_path(names, "shared:", source);
}

static bool is_default_device(const BerthPlanDevice *device) {
    for (const BerthPlanDevice *usual = berth_default_devices; usual->path; usual++)
        if (g_str_equal(usual->path, device->path) && usual->type == device->type &&
            usual->major == device->major && usual->minor == device->minor)
            return true;
    return false;
}

static bool is_default_rule(const char *rule) {
    for (const BerthPlanDevice *usual = berth_default_devices; usual->path; usual++) {
        /* Includes the blank, so that minor 3 does not match 30. */
        g_autofree char *start = g_strdup_printf("/dev/char/%u:%u ", usual->major, usual->minor);
        if (g_str_has_prefix(rule, start))
            return true;
    }
    return false;
}

/* The path is where the container finds the node, and the caller's choice, like the numbers. It
 * says which device that is only if the host has the same one there. */
static void add_device(GPtrArray *names, const BerthPlanDevice *device) {
    g_autofree char *path = berth_privileges_clean_path(device->path);

    if (device->type == S_IFIFO ||
        berth_device_is_at(path, device->type, device->major, device->minor)) {
        berth_privileges_add(names, "device:", path);
        return;
    }
    g_autofree char *numbers = g_strdup_printf(
        "/dev/%s/%u:%u", device->type == S_IFBLK ? "block" : "char", device->major, device->minor);
    berth_privileges_add(names, "device:", numbers);
}

static void add_device_privileges(GPtrArray *names, const BerthPlan *plan) {
    for (guint i = 0; i < plan->devices->len; i++) {
        const BerthPlanDevice *device = plan->devices->pdata[i];
        if (!is_default_device(device))
            add_device(names, device);
    }
    if (!plan->device_deny)
        berth_privileges_add(names, "all-devices", "");
    for (guint i = 0; i < plan->device_rules->len; i++)
        if (!is_default_rule(plan->device_rules->pdata[i]))
            berth_privileges_add(names, "device-rule:", plan->device_rules->pdata[i]);
}

/* Upper limits are free, since they reserve nothing. */
static void add_resources(GPtrArray *names, const BerthPlan *plan) {
    for (guint i = 0; i < plan->properties->len; i++) {
        const char *name = g_array_index(plan->properties, BerthPlanProperty, i).name;
        if (berth_container_property_reserves(name))
            berth_privileges_add(names, "property:", name);
    }
    for (guint i = 0; i + 1 < plan->cgroup_files->len; i += 2) {
        const char *name = plan->cgroup_files->pdata[i];
        /* The list alternates between names and values. Files that set no upper limit may reserve
         * or protect resources, like memory.min and memory.low. */
        if (!g_str_has_suffix(name, ".max") && !g_str_has_suffix(name, ".high"))
            berth_privileges_add(names, "property:", name);
    }
}

static void append_words(GString *line, char *const *words) {
    for (; words && *words; words++) {
        g_autofree char *word = berth_privileges_escape(*words);
        g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", word);
    }
}

/* In the form of env(1): for a shell, or with LD_PRELOAD, the path alone says little. */
static void add_hook(GPtrArray *names, const BerthPlanHook *hook) {
    g_autofree char *clean = berth_privileges_clean_path(hook->path);
    char *path[] = {clean, NULL};
    g_autoptr(GString) line = g_string_new(NULL);

    append_words(line, hook->environment);
    append_words(line, path);
    append_words(line, hook->arguments);
    berth_privileges_add(names, "hook:", line->str);
}

/* startContainer hooks are the container's own programs, with the container's privileges. */
static void add_hook_privileges(GPtrArray *names, const BerthPlan *plan) {
    for (int stage = 0; stage < BERTH_HOOK_COUNT; stage++)
        for (guint i = 0; stage != BERTH_HOOK_START_CONTAINER && i < plan->hooks[stage]->len; i++)
            add_hook(names, plan->hooks[stage]->pdata[i]);
}

/* Kernel parameters that affect only the container, and allow it nothing that it could not do
 * otherwise. Kubernetes calls these safe. */
static const char *const free_sysctls[] = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
    NULL,
};

/* All other parameters need a privilege, even in the container's own namespaces: without
 * CAP_NET_ADMIN it could not set them itself. */
void berth_spec_add_sysctl_privileges(GPtrArray *names, char *const *sysctls, bool joins) {
    for (; sysctls && *sysctls; sysctls += 2) {
        g_autofree char *dotted = g_strdelimit(g_strdup(*sysctls), "/", '.');
        if (joins || !g_strv_contains(free_sysctls, dotted))
            berth_privileges_add(names, "sysctl:", *sysctls);
    }
}

static bool joins_namespaces(const BerthPlan *plan) {
    for (guint i = 0; i < plan->namespaces->len; i++)
        if (g_array_index(plan->namespaces, BerthPlanNamespace, i).path)
            return true;
    return false;
}

/* Everything except the filter and the hidden paths, which depend on the rest. */
static void add_plan_privileges(GPtrArray *names, const BerthPlan *plan,
                                const BerthCreateOptions *options) {
    g_autoptr(GPtrArray) requests = berth_spec_match_binds(plan, options->mounts);

    add_namespaces(names, plan);
    add_ids(names, "host-uids:", plan->uid_ranges);
    add_ids(names, "host-gids:", plan->gid_ranges);
    for (guint i = 0; i < plan->mounts->len; i++)
        add_mount_privilege(names, plan, plan->mounts->pdata[i], requests->pdata[i]);
    add_device_privileges(names, plan);
    add_resources(names, plan);
    add_hook_privileges(names, plan);
    berth_spec_add_sysctl_privileges(names, plan->sysctls, joins_namespaces(plan));
    berth_spec_add_process_privileges(names, plan);
    if (plan->root_propagation & (MS_SHARED | MS_SLAVE))
        berth_privileges_add(names, "root-propagation", "");
    if (plan->slice && !berth_slice_is_of_user(plan->slice, options->owner))
        berth_privileges_add(names, "slice:", plan->slice);
    berth_spec_add_unknown_members(names, plan->document);
}

/* A source that is passed as a descriptor has the path of that descriptor instead. */
static bool check_sources(const BerthPlan *plan, const GPtrArray *binds, GError **error) {
    g_autoptr(GPtrArray) requests = berth_spec_match_binds(plan, binds);

    for (guint i = 0; i < plan->mounts->len; i++) {
        const BerthPlanMount *mount = plan->mounts->pdata[i];
        if (!requests->pdata[i] && mount->source && mount->source[0] == '/' &&
            !berth_privileges_check_path(mount->source, error))
            return false;
    }
    return true;
}

bool berth_spec_check_paths(const BerthPlan *plan, const GPtrArray *binds, GError **error) {
    for (guint i = 0; i < plan->namespaces->len; i++) {
        const char *path = g_array_index(plan->namespaces, BerthPlanNamespace, i).path;
        if (path && !berth_privileges_check_path(path, error))
            return false;
    }
    for (int stage = 0; stage < BERTH_HOOK_COUNT; stage++)
        for (guint i = 0; stage != BERTH_HOOK_START_CONTAINER && i < plan->hooks[stage]->len; i++)
            if (!berth_privileges_check_path(
                    ((const BerthPlanHook *)plan->hooks[stage]->pdata[i])->path, error))
                return false;
    return berth_filter_listener_check(plan->seccomp_profile, error) &&
           check_sources(plan, binds, error);
}

bool berth_spec_is_plain(const BerthPlan *plan, const BerthCreateOptions *options) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    if (plan->seccomp_profile || !berth_spec_hides_as_usual(plan))
        return false;
    add_plan_privileges(names, plan, options);
    return names->len == 0;
}

void berth_spec_add_privileges(GPtrArray *names, const BerthPlan *plan,
                               const BerthCreateOptions *options) {
    add_plan_privileges(names, plan, options);
    /* Only Berth's own and plain configurations have the default filter. */
    berth_privileges_add(names, "seccomp", "");
    berth_filter_listener_add(names, plan->seccomp_profile);
    if (!berth_spec_hides_as_default(plan))
        berth_privileges_add(names, "unmasked", "");
}
