/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The OCI runtime configuration (runtime specification, config.md) of a container, from its image
 * and what Create was told. Defaults are those of an unprivileged container; berth-launch does what
 * is written here and nothing by itself.
 */

#include "containers/container-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

static const char *const default_capabilities[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",     "CAP_FSETID",
    "CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",    "CAP_SETGID",
    "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT", NULL,
};

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
    {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
    {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "ro"}},
};

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

static char *canonical_capability(const char *name) {
    g_autofree char *upper = g_ascii_strup(name, -1);

    return g_str_has_prefix(upper, "CAP_") ? g_steal_pointer(&upper)
                                           : g_strconcat("CAP_", upper, NULL);
}

/* The defaults, without those dropped, with those added; "ALL" drops all. */
static char **make_capabilities(const BerthContainerOptions *options) {
    g_autoptr(GPtrArray) set = g_ptr_array_new_with_free_func(g_free);

    for (const char *const *name = default_capabilities; *name; name++)
        g_ptr_array_add(set, g_strdup(*name));
    for (char **name = options->capabilities_drop; name && *name; name++) {
        g_autofree char *dropped = canonical_capability(*name);
        for (guint i = set->len; i-- > 0;)
            if (g_str_equal(dropped, "CAP_ALL") || g_str_equal(set->pdata[i], dropped))
                g_ptr_array_remove_index(set, i);
    }
    for (char **name = options->capabilities_add; name && *name; name++) {
        char *added = canonical_capability(*name);
        if (g_ptr_array_find_with_equal_func(set, added, g_str_equal, NULL))
            g_free(added);
        else
            g_ptr_array_add(set, added);
    }
    g_ptr_array_add(set, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&set), FALSE);
}

static void add_capabilities(JsonBuilder *builder, const BerthContainerOptions *options) {
    static const char *const sets[] = {"bounding", "effective", "permitted"};
    g_auto(GStrv) capabilities = make_capabilities(options);

    json_builder_set_member_name(builder, "capabilities");
    json_builder_begin_object(builder);
    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++)
        add_strings(builder, sets[i], (const char *const *)capabilities);
    json_builder_end_object(builder);
}

static bool has_variable(char *const *environment, const char *assignment) {
    size_t length = strcspn(assignment, "=") + 1;

    for (; environment && *environment; environment++)
        if (strncmp(*environment, assignment, length) == 0)
            return true;
    return false;
}

static void add_environment(JsonBuilder *builder, const BerthContainerOptions *options,
                            const BerthImageInfo *image) {
    static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    json_builder_set_member_name(builder, "env");
    json_builder_begin_array(builder);
    if (!has_variable(image->environment, path) && !has_variable(options->environment, path))
        json_builder_add_string_value(builder, path);
    for (char **variable = image->environment; *variable; variable++)
        if (!has_variable(options->environment, *variable))
            json_builder_add_string_value(builder, *variable);
    for (char **variable = options->environment; variable && *variable; variable++)
        json_builder_add_string_value(builder, *variable);
    json_builder_end_array(builder);
}

static bool add_arguments(JsonBuilder *builder, const BerthContainerOptions *options,
                          const BerthImageInfo *image, GError **error) {
    char **command = options->command && options->command[0] ? options->command : image->command;

    if (!image->entrypoint[0] && !command[0])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the image names no command to run; give one");
    json_builder_set_member_name(builder, "args");
    json_builder_begin_array(builder);
    for (char **argument = image->entrypoint; *argument; argument++)
        json_builder_add_string_value(builder, *argument);
    for (char **argument = command; *argument; argument++)
        json_builder_add_string_value(builder, *argument);
    json_builder_end_array(builder);
    return true;
}

/* The service has raised its own limit of descriptors; programs that use select(2) want the old. */
static void add_limits(JsonBuilder *builder) {
    json_builder_set_member_name(builder, "rlimits");
    json_builder_begin_array(builder);
    json_builder_begin_object(builder);
    add_string(builder, "type", "RLIMIT_NOFILE");
    json_builder_set_member_name(builder, "soft");
    json_builder_add_int_value(builder, 1024);
    json_builder_set_member_name(builder, "hard");
    json_builder_add_int_value(builder, 524288);
    json_builder_end_object(builder);
    json_builder_end_array(builder);
}

static bool add_process(JsonBuilder *builder, const BerthContainerOptions *options,
                        const BerthImageInfo *image, GError **error) {
    const char *directory = options->working_directory    ? options->working_directory
                            : image->working_directory[0] ? image->working_directory
                                                          : "/";

    if (directory[0] != '/')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the working directory \"%.200s\" is not absolute", directory);
    json_builder_set_member_name(builder, "process");
    json_builder_begin_object(builder);
    add_bool(builder, "terminal", false);
    /* By name, as the image's own passwd and group have it, which only berth-launch reads. */
    json_builder_set_member_name(builder, "user");
    json_builder_begin_object(builder);
    add_string(builder, "username", options->user ? options->user : image->user);
    json_builder_end_object(builder);
    if (!add_arguments(builder, options, image, error))
        return false;
    add_environment(builder, options, image);
    add_string(builder, "cwd", directory);
    add_capabilities(builder, options);
    add_limits(builder);
    add_bool(builder, "noNewPrivileges", true);
    json_builder_end_object(builder);
    return true;
}

static void add_mounts(JsonBuilder *builder) {
    json_builder_set_member_name(builder, "mounts");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < G_N_ELEMENTS(default_mounts); i++) {
        json_builder_begin_object(builder);
        add_string(builder, "destination", default_mounts[i].destination);
        add_string(builder, "type", default_mounts[i].type);
        add_string(builder, "source", default_mounts[i].source);
        add_strings(builder, "options", default_mounts[i].options);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void add_linux(JsonBuilder *builder, const BerthContainerOptions *options) {
    const char *const namespaces[] = {
        "pid", "mount",  "ipc",
        "uts", "cgroup", g_strcmp0(options->network, "host") ? "network" : NULL,
    };

    json_builder_set_member_name(builder, "linux");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "namespaces");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < G_N_ELEMENTS(namespaces) && namespaces[i]; i++) {
        json_builder_begin_object(builder);
        add_string(builder, "type", namespaces[i]);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    add_strings(builder, "maskedPaths", masked_paths);
    add_strings(builder, "readonlyPaths", read_only_paths);
    json_builder_end_object(builder);
}

static void add_annotations(JsonBuilder *builder, const BerthContainerOptions *options,
                            char *const *chain) {
    g_autofree char *layers = g_strjoinv(":", (char **)chain);

    json_builder_set_member_name(builder, "annotations");
    json_builder_begin_object(builder);
    add_string(builder, "org.berth1.layers", layers);
    add_string(builder, "org.berth1.image", options->image);
    add_string(builder, "org.berth1.seccomp", options->seccomp ? options->seccomp : "default");
    json_builder_end_object(builder);
}

char *berth_spec_format(const BerthContainerOptions *options, const BerthImageInfo *image,
                        char *const *chain, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    add_string(builder, "ociVersion", "1.0.2");
    if (!add_process(builder, options, image, error))
        return NULL;
    json_builder_set_member_name(builder, "root");
    json_builder_begin_object(builder);
    add_string(builder, "path", "rootfs");
    add_bool(builder, "readonly", options->read_only);
    json_builder_end_object(builder);
    add_string(builder, "hostname", options->hostname ? options->hostname : options->id);
    add_mounts(builder);
    add_linux(builder, options);
    add_annotations(builder, options, chain);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, TRUE);
}
