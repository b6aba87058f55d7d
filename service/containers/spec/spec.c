/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The OCI runtime configuration (runtime specification, config.md) of a container, made of its
 * image and the options of Create. Defaults are those of an unprivileged container; berth-launch
 * carries out what is written here, and adds nothing of its own.
 */

#include "containers/spec/spec.h"
#include "containers/spec/capabilities.h"

#include "bare/secrets.h"
#include "base/document.h"
#include "config.h"
#include "containers/spec/mounts.h"
#include "containers/spec/resource-limits.h"
#include "containers/spec/spec-network.h"
#include "plan/plan.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static const char *const masked_paths[] = {
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/dev/block",
    "/sys/firmware",
    "/sys/fs/selinux",
    NULL,
};

static const char *const read_only_paths[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static bool has_all(char *const *paths, const char *const *wanted) {
    for (; *wanted; wanted++)
        if (!paths || !g_strv_contains((const char *const *)paths, *wanted))
            return false;
    return true;
}

bool berth_spec_hides_as_default(const BerthPlan *plan) {
    return has_all(plan->masked_paths, masked_paths) &&
           has_all(plan->read_only_paths, read_only_paths);
}

/* The paths that "runc spec" and "crun spec" mask. */
static const char *const usual_masked_paths[] = {
    "/proc/acpi",        "/proc/asound",     "/proc/kcore", "/proc/keys",    "/proc/latency_stats",
    "/proc/sched_debug", "/proc/timer_list", "/proc/scsi",  "/sys/firmware", NULL,
};

bool berth_spec_hides_as_usual(const BerthPlan *plan) {
    return has_all(plan->masked_paths, usual_masked_paths) &&
           has_all(plan->read_only_paths, read_only_paths);
}

const char *const *berth_spec_get_masked_paths(void) {
    return masked_paths;
}

static const struct {
    const char *destination, *type, *source;
    const char *options[8];
} default_mounts[] = {
    {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
    {"/dev", "tmpfs", "tmpfs", {"nosuid", "noexec", "strictatime", "mode=755", "size=65536k"}},
    {"/dev/pts",
     "devpts",
     "devpts",
     {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
    {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
    {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
};

/* Directories that an init system in a container writes to. */
static const char *const system_directories[] = {"/run", "/run/lock", "/tmp", "/var/log/journal"};

/* On a tmpfs of its own: nothing of it is seen in what the container has changed. */
static const char init_path[] = "/dev/berth-init";

static void add_strings(JsonBuilder *builder, const char *member, const char *const *strings) {
    json_builder_set_member_name(builder, member);
    json_builder_begin_array(builder);
    for (; strings && *strings; strings++)
        json_builder_add_string_value(builder, *strings);
    json_builder_end_array(builder);
}

static void add_string(JsonBuilder *builder, const char *member, const char *value) {
    json_builder_set_member_name(builder, member);
    json_builder_add_string_value(builder, value);
}

static void add_bool(JsonBuilder *builder, const char *member, bool value) {
    json_builder_set_member_name(builder, member);
    json_builder_add_boolean_value(builder, value);
}

static void add_number(JsonBuilder *builder, const char *member, int64_t value) {
    json_builder_set_member_name(builder, member);
    json_builder_add_int_value(builder, value);
}

/* texts: name, value, … */
static void add_pairs(JsonBuilder *builder, char *const *texts) {
    for (; texts && *texts; texts += 2)
        add_string(builder, texts[0], texts[1]);
}

/* Inheritable and ambient stay empty: a user other than root has no capabilities after execve(2)
 * (capabilities(7)). */
static void add_capabilities(JsonBuilder *builder, const BerthCreateOptions *options) {
    static const char *const sets[] = {"bounding", "effective", "permitted"};
    g_auto(GStrv) capabilities = berth_capabilities_make(options);

    json_builder_set_member_name(builder, "capabilities");
    json_builder_begin_object(builder);
    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++)
        add_strings(builder, sets[i], (const char *const *)capabilities);
    json_builder_end_object(builder);
}

bool berth_spec_has_variable(char *const *environment, const char *assignment) {
    size_t length = strcspn(assignment, "=") + 1;

    for (; environment && *environment; environment++)
        if (strncmp(*environment, assignment, length) == 0)
            return true;
    return false;
}

static bool is_unset(char *const *names, const char *assignment) {
    for (; names && *names; names++)
        if (g_str_equal(*names, "*") ||
            (g_str_has_prefix(assignment, *names) && assignment[strlen(*names)] == '='))
            return true;
    return false;
}

static void add_environment(JsonBuilder *builder, const BerthCreateOptions *options,
                            const BerthImageInfo *image, const BerthSpecContext *context) {
    static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    json_builder_set_member_name(builder, "env");
    json_builder_begin_array(builder);
    if ((!berth_spec_has_variable(image->environment, path) || is_unset(options->unset, path)) &&
        !berth_spec_has_variable(options->environment, path))
        json_builder_add_string_value(builder, path);
    for (char **variable = image->environment; *variable; variable++)
        if (!berth_spec_has_variable(options->environment, *variable) &&
            !is_unset(options->unset, *variable))
            json_builder_add_string_value(builder, *variable);
    for (char **variable = options->environment; variable && *variable; variable++)
        json_builder_add_string_value(builder, *variable);
    for (guint i = 0; context->edits && i < context->edits->environment->len; i++)
        json_builder_add_string_value(builder, context->edits->environment->pdata[i]);
    /* As for a service with LoadCredential= (systemd.exec(5)). */
    if (options->secrets &&
        !berth_spec_has_variable(options->environment, "CREDENTIALS_DIRECTORY="))
        json_builder_add_string_value(builder, "CREDENTIALS_DIRECTORY=" BERTH_SECRETS_DIRECTORY);
    /* systemd's container interface: the manager that created it. */
    if (!berth_spec_has_variable(image->environment, "container=") &&
        !berth_spec_has_variable(options->environment, "container="))
        json_builder_add_string_value(builder, "container=berth");
    json_builder_end_array(builder);
}

typedef struct {
    char *const *entrypoint, *const *command;
} Arguments;

/* As the image specification has it (config.md, Entrypoint and Cmd): the caller's command replaces
 * Cmd and follows the Entrypoint. Cmd belongs to the image's Entrypoint and goes with it. */
static Arguments choose_arguments(const BerthCreateOptions *options, const BerthImageInfo *image) {
    static char *const none[] = {NULL};
    bool has_command = options->command && options->command[0];
    bool has_entrypoint = options->entrypoint && options->entrypoint[0];

    return (Arguments){
        .entrypoint = !has_entrypoint             ? image->entrypoint
                      : options->entrypoint[0][0] ? options->entrypoint
                                                  : none,
        .command = has_command      ? options->command
                   : has_entrypoint ? none
                                    : image->command,
    };
}

static bool add_arguments(JsonBuilder *builder, const BerthCreateOptions *options,
                          const BerthImageInfo *image, GError **error) {
    Arguments arguments = choose_arguments(options, image);

    if (!arguments.entrypoint[0] && !arguments.command[0])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the image names no command to run; give one");
    json_builder_set_member_name(builder, "args");
    json_builder_begin_array(builder);
    if (options->init) {
        json_builder_add_string_value(builder, init_path);
        json_builder_add_string_value(builder, "--");
    }
    for (char *const *argument = arguments.entrypoint; *argument; argument++)
        json_builder_add_string_value(builder, *argument);
    for (char *const *argument = arguments.command; *argument; argument++)
        json_builder_add_string_value(builder, *argument);
    json_builder_end_array(builder);
    return true;
}

/* By name: the image's own passwd and group are read by berth-launch alone. The specification has
 * no names of further groups, "additionalGroups" is Berth's own. */
static void add_user(JsonBuilder *builder, const BerthCreateOptions *options,
                     const BerthImageInfo *image) {
    json_builder_set_member_name(builder, "user");
    json_builder_begin_object(builder);
    add_string(builder, "username", options->user ? options->user : image->user);
    if (options->groups && options->groups[0])
        add_strings(builder, "additionalGroups", (const char *const *)options->groups);
    if (options->umask != UINT64_MAX)
        add_number(builder, "umask", (int64_t)options->umask);
    json_builder_end_object(builder);
}

static bool add_process(JsonBuilder *builder, const BerthCreateOptions *options,
                        const BerthImageInfo *image, const BerthSpecContext *context,
                        GError **error) {
    const char *directory = options->working_directory    ? options->working_directory
                            : image->working_directory[0] ? image->working_directory
                                                          : "/";

    if (directory[0] != '/')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the working directory \"%.200s\" is not absolute", directory);
    if (!berth_capabilities_check(options->capabilities_add, error) ||
        !berth_capabilities_check(options->capabilities_drop, error))
        return false;
    json_builder_set_member_name(builder, "process");
    json_builder_begin_object(builder);
    add_bool(builder, "terminal", options->terminal);
    add_user(builder, options, image);
    if (!add_arguments(builder, options, image, error))
        return false;
    add_environment(builder, options, image, context);
    add_string(builder, "cwd", directory);
    add_capabilities(builder, options);
    berth_resource_limits_add(builder, options->resource_limits);
    if (options->oom_score != INT_MAX)
        add_number(builder, "oomScoreAdj", options->oom_score);
    add_bool(builder, "noNewPrivileges", true);
    json_builder_end_object(builder);
    return true;
}

static void add_mount(JsonBuilder *builder, const char *destination, const char *type,
                      const char *source, const char *const *options) {
    json_builder_begin_object(builder);
    add_string(builder, "destination", destination);
    add_string(builder, "type", type);
    add_string(builder, "source", source);
    add_strings(builder, "options", options);
    json_builder_end_object(builder);
}

/* A user namespace cannot mount sysfs for a network namespace that it does not own: the host's is
 * bind-mounted. */
static void add_sys(JsonBuilder *builder, const BerthCreateOptions *options, uint32_t ids,
                    bool is_system) {
    static const char *const own[] = {"nosuid", "noexec", "nodev", "ro", NULL};
    static const char *const hosts[] = {"rbind", "rnosuid", "rnoexec", "rnodev", "rro", NULL};
    static const char *const writable[] = {"nosuid", "noexec", "nodev", NULL};
    bool host = ids > 0 && options->network_mode == BERTH_NETWORK_HOST;

    add_mount(builder, "/sys", host ? "bind" : "sysfs", host ? "/sys" : "sysfs",
              host ? hosts : own);
    /* The limits of this cgroup remain the host's to set; only the cgroups below it are
     * the container's.
     */
    add_mount(builder, "/sys/fs/cgroup", "cgroup", "cgroup", is_system ? writable : own);
}

static bool is_mounted(const BerthCreateOptions *options, const char *destination) {
    for (guint i = 0; options->mounts && i < options->mounts->len; i++)
        if (g_str_equal(((BerthMountRequest *)options->mounts->pdata[i])->destination, destination))
            return true;
    return false;
}

/* With a read-only root, temporary files still need a place, as for an init system. */
static void add_temporary(JsonBuilder *builder, const BerthCreateOptions *options, bool is_system) {
    static const char *const flags[] = {"nosuid", "nodev", "mode=1777", "size=50%", NULL};
    static const char *const run_flags[] = {"nosuid", "nodev", "mode=755", "size=20%", NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(system_directories); i++) {
        const char *path = system_directories[i];
        bool plain = g_str_equal(path, "/run") || g_str_equal(path, "/tmp");
        if ((is_system || (options->read_only && plain)) && !is_mounted(options, path))
            add_mount(builder, path, "tmpfs", "tmpfs",
                      g_str_equal(path, "/tmp") ? flags : run_flags);
    }
}

/* The files that files.c writes. */
static void add_files(JsonBuilder *builder, const BerthCreateOptions *options,
                      const BerthSpecContext *context) {
    static const char *const paths[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};
    const char *const flags[] = {"bind", "nosuid", "nodev", context->ids > 0 ? "idmap" : NULL,
                                 NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *source = g_strconcat(context->directory, paths[i], NULL);
        if (i == 0 && options->no_hosts)
            continue;
        if (!is_mounted(options, paths[i]))
            add_mount(builder, paths[i], "bind", source, flags);
    }
}

/* In the order of mounting: a caller's mount may lie on or below a default one, and those of
 * devices come last. */
static void add_mounts(JsonBuilder *builder, const BerthCreateOptions *options,
                       const BerthImageInfo *image, const BerthSpecContext *context,
                       bool is_system) {
    static const char *const volume[] = {"bind", "x-berth.volume", NULL};
    static const char *const secrets_flags[] = {"nosuid",    "nodev",   "noexec",
                                                "mode=0755", "size=6m", NULL};
    static const char *const init_flags[] = {"bind", "ro", "nosuid", "nodev", NULL};

    json_builder_set_member_name(builder, "mounts");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < G_N_ELEMENTS(default_mounts); i++)
        add_mount(builder, default_mounts[i].destination, default_mounts[i].type,
                  default_mounts[i].source, default_mounts[i].options);
    add_sys(builder, options, context->ids, is_system);
    add_temporary(builder, options, is_system);
    for (char **path = image->volumes; *path; path++)
        if ((*path)[0] == '/' && !is_mounted(options, *path))
            add_mount(builder, *path, "bind", *path, volume);
    add_files(builder, options, context);
    for (guint i = 0; options->mounts && i < options->mounts->len; i++)
        berth_mount_add(builder, options->mounts->pdata[i], context->ids > 0);
    for (guint i = 0; context->edits && i < context->edits->mounts->len; i++)
        berth_mount_add(builder, context->edits->mounts->pdata[i], context->ids > 0);
    /* Last, so that no mount of the caller's hides it; see launch/secrets.c. */
    if (options->secrets)
        add_mount(builder, BERTH_SECRETS_DIRECTORY, "tmpfs", "secrets", secrets_flags);
    if (options->init)
        add_mount(builder, init_path, "bind", BERTH_LIBEXECDIR "/berth-init", init_flags);
    json_builder_end_array(builder);
}

/* A profile of the caller's own, in the form of the runtime specification. */
static bool add_profile(JsonBuilder *builder, const BerthCreateOptions *options, GError **error) {
    if (options->seccomp != BERTH_SECCOMP_PROFILE)
        return true;
    JsonNode *profile =
        berth_document_parse(options->seccomp_profile, strlen(options->seccomp_profile), error);
    if (!profile) {
        g_prefix_error(error, "seccomp: ");
        return false;
    }
    json_builder_set_member_name(builder, "seccomp");
    json_builder_add_value(builder, profile);
    return true;
}

static void add_range(JsonBuilder *builder, const char *member, uint32_t ids) {
    json_builder_set_member_name(builder, member);
    json_builder_begin_array(builder);
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "containerID");
    json_builder_add_int_value(builder, 0);
    json_builder_set_member_name(builder, "hostID");
    json_builder_add_int_value(builder, ids);
    json_builder_set_member_name(builder, "size");
    json_builder_add_int_value(builder, BERTH_IDS_COUNT);
    json_builder_end_object(builder);
    json_builder_end_array(builder);
}

static void add_devices(JsonBuilder *builder, const BerthSpecContext *context) {
    json_builder_set_member_name(builder, "devices");
    json_builder_begin_array(builder);
    for (guint i = 0; context->edits && i < context->edits->devices->len; i++) {
        const BerthDeviceRequest *device = context->edits->devices->pdata[i];
        json_builder_begin_object(builder);
        add_string(builder, "path", device->path);
        add_string(builder, "type", S_ISBLK(device->type) ? "b" : "c");
        add_number(builder, "major", device->major);
        add_number(builder, "minor", device->minor);
        add_number(builder, "fileMode", device->mode);
        add_number(builder, "uid", device->uid);
        add_number(builder, "gid", device->gid);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void add_hooks(JsonBuilder *builder, const BerthSpecContext *context) {
    if (!context->edits || json_object_get_size(context->edits->hooks) == 0)
        return;
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);
    json_node_set_object(node, context->edits->hooks);
    json_builder_set_member_name(builder, "hooks");
    json_builder_add_value(builder, node);
}

/* What the kernel keeps for a namespace, and for a process. */
static void add_own_kernel(JsonBuilder *builder, const BerthCreateOptions *options) {
    if (options->sysctls && options->sysctls[0]) {
        json_builder_set_member_name(builder, "sysctl");
        json_builder_begin_object(builder);
        add_pairs(builder, options->sysctls);
        json_builder_end_object(builder);
    }
    if (options->personality) {
        json_builder_set_member_name(builder, "personality");
        json_builder_begin_object(builder);
        add_string(builder, "domain", options->personality);
        json_builder_end_object(builder);
    }
}

/* A container without a network still has a network namespace; only the mode "host" has none. */
static bool add_linux(JsonBuilder *builder, const BerthCreateOptions *options,
                      const BerthSpecContext *context, GError **error) {
    uint32_t ids = context->ids;
    const char *const namespaces[] = {
        "pid",
        "mount",
        "ipc",
        "uts",
        "cgroup",
        ids > 0 ? "user" : NULL,
        options->network_mode != BERTH_NETWORK_HOST ? "network" : NULL,
    };

    json_builder_set_member_name(builder, "linux");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "namespaces");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < G_N_ELEMENTS(namespaces); i++) {
        if (!namespaces[i])
            continue;
        json_builder_begin_object(builder);
        add_string(builder, "type", namespaces[i]);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    if (ids > 0) {
        add_range(builder, "uidMappings", ids);
        add_range(builder, "gidMappings", ids);
    }
    add_devices(builder, context);
    add_own_kernel(builder, options);
    add_strings(builder, "maskedPaths", masked_paths);
    add_strings(builder, "readonlyPaths", read_only_paths);
    if (!add_profile(builder, options, error))
        return false;
    json_builder_end_object(builder);
    return true;
}

static void add_annotations(JsonBuilder *builder, const BerthCreateOptions *options,
                            char *const *chain) {
    g_autofree char *layers = g_strjoinv(":", (char **)chain);

    json_builder_set_member_name(builder, "annotations");
    json_builder_begin_object(builder);
    add_pairs(builder, options->annotations);
    add_string(builder, "org.berth1.layers", layers);
    add_string(builder, "org.berth1.image", options->image);
    berth_spec_add_network(builder, options);
    if (options->seccomp != BERTH_SECCOMP_PROFILE)
        add_string(builder, "org.berth1.seccomp",
                   options->seccomp == BERTH_SECCOMP_UNCONFINED ? "unconfined" : "default");
    json_builder_end_object(builder);
}

char *berth_spec_format(const BerthCreateOptions *options, const BerthImageInfo *image,
                        const BerthSpecContext *context, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    bool is_system = berth_spec_is_system(options, image);

    json_builder_begin_object(builder);
    add_string(builder, "ociVersion", "1.0.2");
    if (!add_process(builder, options, image, context, error))
        return NULL;
    json_builder_set_member_name(builder, "root");
    json_builder_begin_object(builder);
    add_string(builder, "path", "rootfs");
    add_bool(builder, "readonly", options->read_only);
    json_builder_end_object(builder);
    add_string(builder, "hostname", options->hostname ? options->hostname : options->id);
    add_mounts(builder, options, image, context, is_system);
    if (!add_linux(builder, options, context, error))
        return NULL;
    add_hooks(builder, context);
    add_annotations(builder, options, context->chain);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, TRUE);
}

bool berth_spec_is_system(const BerthCreateOptions *options, const BerthImageInfo *image) {
    Arguments arguments = choose_arguments(options, image);
    char *const *command = arguments.entrypoint[0] ? arguments.entrypoint : arguments.command;
    g_autofree char *name = command[0] ? g_path_get_basename(command[0]) : NULL;

    return g_strcmp0(name, "init") == 0 || g_strcmp0(name, "systemd") == 0;
}
