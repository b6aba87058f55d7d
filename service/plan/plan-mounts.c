/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "mounts" of the runtime configuration, with all options that the specification lists (config.md,
 * Linux mount options); options in no list are passed to the file system. The mounts belong to the
 * plan.
 */

#include "plan/plan.h"

#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

enum { MAX_MOUNTS = 1024, MAX_PATH = 4096 };

/* A flag that is set or cleared; with a leading "r", also on the mounts below. */
static const struct {
    const char *name;
    uint64_t set, clear;
} attributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

static const struct {
    const char *name;
    unsigned long flags;
    /* The propagation types of mount_namespaces(7). */
} propagations[] = {
    {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
    {"slave", MS_SLAVE},           {"rslave", MS_SLAVE | MS_REC},
    {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},
    {"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
};

/* Options that are the default, or that mount(8) accepts and fsconfig(2) does not. */
static const char *const empty_options[] = {"defaults",   "async", "loud",   "silent",
                                            "iversion",   "mand",  "nomand", "noiversion",
                                            "nolazytime", "copy",  "nocopy", NULL};

/* A later option overrides an earlier one that contradicts it. The access time setting is a single
 * value of several bits (MOUNT_ATTR__ATIME); mount_setattr(2) requires all of them to be cleared
 * when one is set. */
static bool take_attribute(BerthPlanMount *mount, const char *option) {
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        bool below = option[0] == 'r' && g_str_equal(option + 1, attributes[i].name);
        if (!below && !g_str_equal(option, attributes[i].name))
            continue;
        uint64_t *set = below ? &mount->set_below : &mount->set;
        uint64_t *clear = below ? &mount->clear_below : &mount->clear;
        *set = (*set & ~attributes[i].clear) | attributes[i].set;
        *clear = (*clear & ~attributes[i].set) | attributes[i].clear;
        return true;
    }
    return false;
}

/* "x-berth.inode=DEVICE:INODE", "x-berth.owner=UID", "x-berth.owned=UID", "x-berth.stands=UID:GID",
 * "x-berth.volume", "x-berth.fill" (for a volume), "x-berth.pod" and "x-berth.root" are written by
 * berthd itself; a configuration of a caller's with a root is refused
 * (containers/spec/spec-binds.c). "owned" marks a bind mount that needs no privilege, because its
 * source belongs to that user (launch/bind-tree.c). */
static bool take_berth_option(BerthPlanMount *mount, const char *option) {
    char *end;

    if (g_str_has_prefix(option, "x-berth.inode=")) {
        mount->device = g_ascii_strtoull(option + strlen("x-berth.inode="), &end, 10);
        mount->inode = *end == ':' ? g_ascii_strtoull(end + 1, NULL, 10) : 0;
        mount->has_inode = true;
        return true;
    }
    if (g_str_has_prefix(option, "x-berth.stands=")) {
        mount->mapped_uid =
            (uint32_t)g_ascii_strtoull(option + strlen("x-berth.stands="), &end, 10);
        mount->mapped_gid = *end == ':' ? (uint32_t)g_ascii_strtoull(end + 1, NULL, 10) : 0;
        return true;
    }
    if (g_str_equal(option, "x-berth.volume")) {
        mount->kind = BERTH_MOUNT_BIND_OF_ROOT;
        return true;
    }
    if (g_str_equal(option, "x-berth.pod")) {
        mount->kind = MAX(mount->kind, BERTH_MOUNT_BIND_OF_POD);
        return true;
    }
    if (g_str_equal(option, "x-berth.root")) {
        mount->is_root = true;
        return true;
    }
    if (g_str_equal(option, "x-berth.fill")) {
        mount->copies_up = BERTH_COPY_UP_IF_EMPTY;
        return true;
    }
    if (g_str_has_prefix(option, "x-berth.owner=") || g_str_has_prefix(option, "x-berth.owned=")) {
        mount->source_uid = (uint32_t)g_ascii_strtoull(option + strlen("x-berth.owner="), NULL, 10);
        mount->source_owner =
            g_str_has_prefix(option, "x-berth.owned=") ? BERTH_SOURCE_OWNED : BERTH_SOURCE_MAPPED;
        mount->idmap = BERTH_IDMAP_PLAIN;
        return true;
    }
    return false;
}

/* If two options exclude each other, the last one takes effect. */
bool berth_plan_mount_option(BerthPlanMount *mount, const char *option) {
    if (g_strv_contains(empty_options, option) || take_berth_option(mount, option))
        return true;
    /* "rro" is matched before "ro", but "rw" and "relatime" begin with an "r" that is part of the
     * name. */
    if (take_attribute(mount, option))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(propagations); i++)
        if (g_str_equal(propagations[i].name, option)) {
            mount->propagation = propagations[i].flags;
            return true;
        }
    if (g_str_equal(option, "bind") || g_str_equal(option, "rbind")) {
        mount->kind = MAX(mount->kind, BERTH_MOUNT_BIND);
        mount->recursive = option[0] == 'r';
        return true;
    }
    if (g_str_equal(option, "idmap") || g_str_equal(option, "ridmap")) {
        mount->idmap = option[0] == 'r' ? BERTH_IDMAP_RECURSIVE : BERTH_IDMAP_PLAIN;
        return true;
    }
    if (g_str_equal(option, "tmpcopyup")) {
        mount->copies_up = BERTH_COPY_UP_ALWAYS;
        return true;
    }
    return false;
}

static const char *keep_text(BerthPlan *plan, const char *text) {
    return berth_plan_keep(plan, g_strdup(text));
}

/* "x-berth.layer=DIRECTORY" of the snapshots or, with its path, of blobs, topmost first,
 * "x-berth.subpath=PATH" and "x-berth.name=NAME" are written by berthd, too; a configuration of a
 * caller's is refused with one of them (containers/spec/spec-binds.c). */
static bool take_berth_text(BerthPlan *plan, BerthPlanMount *mount, const char *option) {
    const char *text = strchr(option, '=');

    if (!text++)
        return false;
    if (g_str_has_prefix(option, "x-berth.subpath=")) {
        mount->subpath = keep_text(plan, text);
    } else if (g_str_has_prefix(option, "x-berth.name=")) {
        mount->file_name = keep_text(plan, text);
    } else if (g_str_has_prefix(option, "x-berth.layer=")) {
        mount->kind = MAX(mount->kind, BERTH_MOUNT_BIND_OF_IMAGE);
        if (!mount->layers)
            mount->layers = g_ptr_array_new();
        g_ptr_array_add(mount->layers, (gpointer)keep_text(plan, text));
    } else {
        return false;
    }
    return true;
}

/* An option that is not a flag is passed to the file system, in the given order. A remount makes no
 * sense in a list of mounts that are all new. */
static bool read_options(BerthPlan *plan, BerthPlanMount *mount, json_object *object,
                         GError **error) {
    g_auto(GStrv) options = NULL;

    if (!berth_document_get_strings(object, "options", &options, error))
        return false;
    for (char **option = options; *option; option++) {
        if (g_str_equal(*option, "remount"))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "mounts: the option \"remount\" (of %s) is not supported",
                                   mount->destination);
        if (!take_berth_text(plan, mount, *option) && !berth_plan_mount_option(mount, *option))
            g_ptr_array_add(mount->data, berth_plan_keep(plan, g_strdup(*option)));
    }
    if (mount->layers)
        g_ptr_array_add(mount->layers, NULL);
    if (g_strcmp0(mount->type, "bind") == 0)
        mount->kind = MAX(mount->kind, BERTH_MOUNT_BIND);
    return true;
}

/* Files in /proc must be the kernel's: the launcher writes labels and kernel parameters there, and
 * a mount over them would receive these instead. As in runc, some files that describe the machine
 * may be covered. A file of an artifact is mounted in its destination if that is a directory, as
 * /proc is (launch/mounts.c). */
static bool is_in_proc(const BerthPlanMount *mount) {
    static const char *const allowed[] = {"cpuinfo",
                                          "diskstats",
                                          "loadavg",
                                          "meminfo",
                                          "net/dev",
                                          "slabinfo",
                                          "stat",
                                          "swaps",
                                          "sys/crypto/fips_enabled",
                                          "sys/kernel/ns_last_pid",
                                          "uptime",
                                          NULL};
    g_autofree char *destination = berth_plan_path_clean(mount->destination);
    bool has_name = mount->file_name && g_str_equal(destination, "/proc");
    g_autofree char *path = g_build_filename(destination, has_name ? mount->file_name : NULL, NULL);

    return g_str_has_prefix(path, "/proc/") && !g_strv_contains(allowed, path + strlen("/proc/"));
}

static bool check_mount(const BerthPlanMount *mount, GError **error) {
    if (!mount->destination || mount->destination[0] == '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a mount has no \"destination\"");
    if (strlen(mount->destination) >= MAX_PATH ||
        (mount->source && strlen(mount->source) >= MAX_PATH))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a path of a mount is longer than %d bytes", MAX_PATH - 1);
    if (is_in_proc(mount))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "mount %s: files in /proc must not be covered", mount->destination);
    if (berth_plan_path_climbs(mount->destination))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "mount %s: the destination contains \"..\"", mount->destination);
    if (berth_mount_is_bind(mount->kind) && mount->kind != BERTH_MOUNT_BIND_OF_IMAGE &&
        (!mount->source || mount->source[0] != '/'))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "mount %s: the source \"%.200s\" is not absolute",
                               mount->destination, mount->source ? mount->source : "");
    return berth_mount_is_bind(mount->kind) || (mount->type && mount->type[0]) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "mount %s has no \"type\"",
                           mount->destination);
}

/* The plan owns the mount from the start, so nothing leaks on error. */
static bool plan_read_mount(BerthPlan *plan, json_object *object, GError **error) {
    BerthPlanMount *mount = g_new0(BerthPlanMount, 1);

    mount->data = g_ptr_array_new();
    g_ptr_array_add(plan->mounts, mount);
    if (!berth_document_get_string(object, "destination", &mount->destination, error) ||
        !berth_document_get_string(object, "type", &mount->type, error) ||
        !berth_document_get_string(object, "source", &mount->source, error) ||
        !berth_plan_read_ranges(object, "uidMappings", &mount->uid_ranges, error) ||
        !berth_plan_read_ranges(object, "gidMappings", &mount->gid_ranges, error) ||
        !read_options(plan, mount, object, error) || !check_mount(mount, error))
        return false;
    if (mount->uid_ranges->len > 0 && mount->idmap == BERTH_IDMAP_NONE)
        mount->idmap = BERTH_IDMAP_PLAIN;
    if (mount->is_root && !plan->root_mount) {
        /* It is not attached anywhere: everything else is attached to it. */
        plan->root_mount = g_ptr_array_steal_index(plan->mounts, plan->mounts->len - 1);
    }
    return (mount->uid_ranges->len > 0) == (mount->gid_ranges->len > 0) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "mount %s: uidMappings and gidMappings belong together",
                           mount->destination);
}

/* The order of mounts is preserved: a later one may be below an earlier one (config.md, Mounts). */
bool berth_plan_read_mounts(BerthPlan *plan, json_object *root, GError **error) {
    json_object *array;

    if (!berth_document_get_objects(root, "mounts", &array, error))
        return false;
    if (array && json_object_array_length(array) > MAX_MOUNTS)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "more than %d mounts",
                               MAX_MOUNTS);
    for (guint i = 0; array && i < json_object_array_length(array); i++)
        if (!plan_read_mount(plan, json_object_array_get_idx(array, i), error))
            return false;
    return true;
}
