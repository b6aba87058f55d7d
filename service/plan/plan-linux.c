/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "linux" of the runtime configuration (config-linux.md), except its resources, which
 * plan-resources.c reads into the plan. The one thing to know: a kernel parameter that would reach
 * beyond the container is refused here, as far as the plan shows it. Whether a joined namespace is
 * the host's is known only when it is opened, so berth-launch checks that.
 */

#include "plan/plan.h"

#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>

/* Each device is a node that is created at every start. */
enum { MAX_DEVICES = 1024 };

static const struct {
    const char *type, *name;
    int flag;
    /* type is the specification's name; name is the file in /proc/PID/ns. */
} namespace_types[] = {
    {"pid", "pid", CLONE_NEWPID},     {"mount", "mnt", CLONE_NEWNS},
    {"ipc", "ipc", CLONE_NEWIPC},     {"uts", "uts", CLONE_NEWUTS},
    {"network", "net", CLONE_NEWNET}, {"cgroup", "cgroup", CLONE_NEWCGROUP},
    {"user", "user", CLONE_NEWUSER},  {"time", "time", CLONE_NEWTIME},
};

static const struct {
    const char *name;
    unsigned long flags;
    /* The recursive types differ only by MS_REC, which read_propagation() adds for a leading
     * "r". */
} propagations[] = {
    {"shared", MS_SHARED},         {"slave", MS_SLAVE},
    {"private", MS_PRIVATE},       {"rshared", MS_SHARED},
    {"rslave", MS_SLAVE},          {"rprivate", MS_PRIVATE},
    {"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE},
};

static const struct {
    const char *name;
    unsigned long value;
} personalities[] = {
    {"LINUX", PER_LINUX},
    {"LINUX32", PER_LINUX32},
};

/* Kernel parameters that a namespace has separately; all others affect the whole machine. */
static const struct {
    const char *prefix;
    int flag;
} sysctl_namespaces[] = {
    {"net.", CLONE_NEWNET},       {"fs.mqueue.", CLONE_NEWIPC}, {"kernel.msg", CLONE_NEWIPC},
    {"kernel.sem", CLONE_NEWIPC}, {"kernel.shm", CLONE_NEWIPC}, {"kernel.domainname", CLONE_NEWUTS},
};

/* A mount namespace cannot be joined, because the launcher builds the container's root in a new
 * one. */
static bool add_namespace(BerthPlan *plan, json_object *object, GError **error) {
    BerthPlanNamespace entry = {0};
    const char *type;
    size_t i = 0;

    if (!berth_document_get_string(object, "type", &type, error) ||
        !berth_document_get_string(object, "path", &entry.path, error))
        return false;
    while (i < G_N_ELEMENTS(namespace_types) && g_strcmp0(namespace_types[i].type, type) != 0)
        i++;
    if (i == G_N_ELEMENTS(namespace_types))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "unknown namespace \"%.100s\"",
                               type ? type : "");
    entry.flag = namespace_types[i].flag;
    entry.name = namespace_types[i].name;
    if (entry.path && entry.path[0] == '\0')
        entry.path = NULL;
    if (entry.path && entry.path[0] != '/')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the path of the %s namespace is not absolute", type);
    if (entry.path && entry.flag == CLONE_NEWNS)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "joining a mount namespace is not supported");
    if (berth_plan_find_namespace(plan, entry.flag))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the %s namespace is given twice", type);
    g_array_append_val(plan->namespaces, entry);
    return true;
}

/* A type that is not listed stays the host's (config-linux.md, Namespaces). */
static bool read_namespaces(BerthPlan *plan, json_object *object, GError **error) {
    json_object *array;

    if (!berth_document_get_objects(object, "namespaces", &array, error))
        return false;
    for (guint i = 0; array && i < json_object_array_length(array); i++)
        if (!add_namespace(plan, json_object_array_get_idx(array, i), error))
            return false;
    return true;
}

/* The numbers are limited by the kernel's dev_t: 12 bits for the major and 20 bits for the minor
 * number. "u" is another name for "c" (mknod(1)). */
static bool read_device(BerthPlan *plan, json_object *object, GError **error) {
    BerthPlanDevice *device = g_new0(BerthPlanDevice, 1);
    uint64_t major, minor, mode, uid, gid;
    const char *type;

    g_ptr_array_add(plan->devices, device);
    if (!berth_document_get_string(object, "path", &device->path, error) ||
        !berth_document_get_string(object, "type", &type, error) ||
        !berth_document_get_size(object, "major", &major, error) ||
        !berth_document_get_size(object, "minor", &minor, error) ||
        !berth_document_get_size(object, "fileMode", &mode, error) ||
        !berth_document_get_size(object, "uid", &uid, error) ||
        !berth_document_get_size(object, "gid", &gid, error))
        return false;
    if (!device->path || device->path[0] != '/')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the path of a device is not absolute");
    if (berth_plan_path_climbs(device->path))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "device %.200s: the path contains \"..\"", device->path);
    device->type = g_strcmp0(type, "c") == 0 || g_strcmp0(type, "u") == 0 ? S_IFCHR
                   : g_strcmp0(type, "b") == 0                            ? S_IFBLK
                   : g_strcmp0(type, "p") == 0                            ? S_IFIFO
                                                                          : 0;
    if (device->type == 0 || major >= 1u << 12 || minor >= 1u << 20 || uid >= UINT32_MAX ||
        gid >= UINT32_MAX)
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "device %.200s: the type is not c, b, u or p, or a number is invalid", device->path);
    device->major = (unsigned)major;
    device->minor = (unsigned)minor;
    device->mode = json_object_object_get(object, "fileMode") ? (mode_t)mode & 07777 : 0666;
    device->uid = (uid_t)uid;
    device->gid = (gid_t)gid;
    return true;
}

static bool read_devices(BerthPlan *plan, json_object *object, GError **error) {
    json_object *array;

    if (!berth_document_get_objects(object, "devices", &array, error))
        return false;
    if (array && json_object_array_length(array) > MAX_DEVICES)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "more than %d devices",
                               MAX_DEVICES);
    for (guint i = 0; array && i < json_object_array_length(array); i++)
        if (!read_device(plan, json_object_array_get_idx(array, i), error))
            return false;
    return true;
}

/* Both slashes and dots separate names. Only parameters of a namespace that is created or joined
 * may be set, since any other would affect the whole machine. If the container has a parameter set
 * and joins a namespace that turns out to be the host's, berth-launch refuses it. */
static bool check_sysctl(const BerthPlan *plan, const char *name, GError **error) {
    g_autofree char *dotted = g_strdelimit(g_strdup(name), "/", '.');

    if (strstr(dotted, ".."))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"%.100s\" is not a kernel parameter", name);
    if (g_str_equal(dotted, "kernel.hostname"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the kernel parameter %.100s is set by \"hostname\"", name);
    for (size_t i = 0; i < G_N_ELEMENTS(sysctl_namespaces); i++) {
        if (!g_str_has_prefix(dotted, sysctl_namespaces[i].prefix))
            continue;
        const BerthPlanNamespace *entry =
            berth_plan_find_namespace(plan, sysctl_namespaces[i].flag);
        return entry ||
               berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the kernel parameter %.100s needs a namespace that belongs to "
                               "the container",
                               name);
    }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the kernel parameter %.100s is not in a namespace; it would change "
                           "the whole machine",
                           name);
}

static bool read_sysctls(BerthPlan *plan, json_object *object, GError **error) {
    if (!berth_document_get_keys(object, "sysctl", true, &plan->sysctls, error))
        return false;
    for (char **name = plan->sysctls; *name; name += 2)
        if (!check_sysctl(plan, *name, error))
            return false;
    return true;
}

static bool read_propagation(BerthPlan *plan, json_object *object, GError **error) {
    const char *name;

    if (!berth_document_get_string(object, "rootfsPropagation", &name, error))
        return false;
    if (!name || name[0] == '\0')
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(propagations); i++)
        if (g_str_equal(propagations[i].name, name)) {
            plan->root_propagation = propagations[i].flags | (name[0] == 'r' ? MS_REC : 0);
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "unknown rootfsPropagation \"%.100s\"", name);
}

/* An object without a domain is an error, since the specification requires it. */
static bool read_personality(BerthPlan *plan, json_object *object, GError **error) {
    json_object *personality;
    g_auto(GStrv) flags = NULL;
    const char *domain;

    if (!berth_document_get_object(object, "personality", &personality, error))
        return false;
    if (!personality)
        return true;
    if (!berth_document_get_string(personality, "domain", &domain, error) ||
        !berth_document_get_strings(personality, "flags", &flags, error))
        return false;
    if (flags[0])
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "linux.personality.flags is not supported");
    for (size_t i = 0; domain && i < G_N_ELEMENTS(personalities); i++)
        if (g_str_equal(personalities[i].name, domain)) {
            plan->has_personality = true;
            plan->personality = personalities[i].value;
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "unknown personality \"%.100s\"",
                           domain ? domain : "");
}

static bool read_offset(json_object *offsets, const char *clock, int64_t *secs, int64_t *nsecs,
                        GError **error) {
    json_object *object;

    return berth_document_get_object(offsets, clock, &object, error) &&
           (!object || (berth_document_get_int(object, "secs", secs, error) &&
                        berth_document_get_int(object, "nanosecs", nsecs, error)));
}

/* The kernel checks the offsets themselves when they are written (time_namespaces(7)). */
static bool read_time_offsets(BerthPlan *plan, json_object *object, GError **error) {
    json_object *offsets;

    if (!berth_document_get_object(object, "timeOffsets", &offsets, error))
        return false;
    if (!offsets)
        return true;
    plan->has_time_offsets = true;
    return read_offset(offsets, "monotonic", &plan->monotonic_secs, &plan->monotonic_nsecs,
                       error) &&
           read_offset(offsets, "boottime", &plan->boottime_secs, &plan->boottime_nsecs, error);
}

/* SLICE:PREFIX:NAME, as in runtimes that work with systemd. Berth chooses the scope's name
 * itself. */
static bool read_cgroups_path(BerthPlan *plan, json_object *object, GError **error) {
    const char *path;

    if (!berth_document_get_string(object, "cgroupsPath", &path, error))
        return false;
    if (!path || path[0] == '\0')
        return true;
    g_auto(GStrv) parts = g_strsplit(path, ":", -1);
    if (g_strv_length(parts) != 3 || (parts[0][0] && !g_str_has_suffix(parts[0], ".slice")) ||
        strchr(parts[0], '/'))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "linux.cgroupsPath \"%.200s\" is not supported: containers are in "
                               "scopes of systemd; write SLICE:berth:ID, or leave it out",
                               path);
    if (parts[0][0])
        plan->slice = berth_plan_keep(plan, g_strdup(parts[0]));
    return true;
}

/* Namespaces come first, because check_sysctl() looks them up. */
bool berth_plan_read_linux(BerthPlan *plan, json_object *object, GError **error) {
    static const char *const unsupported[] = {"mountLabel", "intelRdt", "netDevices",
                                              "memoryPolicy", NULL};

    return berth_plan_refuse(object, "linux.", unsupported, error) &&
           read_namespaces(plan, object, error) &&
           berth_plan_read_ranges(object, "uidMappings", &plan->uid_ranges, error) &&
           berth_plan_read_ranges(object, "gidMappings", &plan->gid_ranges, error) &&
           read_devices(plan, object, error) && read_sysctls(plan, object, error) &&
           berth_document_get_strings(object, "maskedPaths", &plan->masked_paths, error) &&
           berth_document_get_strings(object, "readonlyPaths", &plan->read_only_paths, error) &&
           berth_document_get_object(object, "seccomp", &plan->seccomp_profile, error) &&
           read_propagation(plan, object, error) && read_personality(plan, object, error) &&
           read_time_offsets(plan, object, error) && read_cgroups_path(plan, object, error) &&
           berth_plan_read_resources(plan, object, error);
}
