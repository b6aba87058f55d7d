/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "mounts" of a configuration, in mounting order: Berth's own, the image's volumes, those of the
 * options and of devices, and last those that no mount of a caller may hide. There is no state
 * here.
 */

#include "containers/spec/spec-private.h"

#include "bare/secrets.h"
#include "base/document-members.h"
#include "config.h"
#include "containers/spec/mounts.h"

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

static void append_mount(json_object *mounts, const char *destination, const char *type,
                         const char *source, const char *const *options) {
    json_object *mount = berth_document_append_object(mounts);

    berth_document_add_string(mount, "destination", destination);
    berth_document_add_string(mount, "type", type);
    berth_document_add_string(mount, "source", source);
    berth_document_add_strings(mount, "options", (char *const *)options);
}

/* A user namespace cannot mount sysfs for a network namespace that it does not own, so the host's
 * is bind-mounted. */
static void add_sys(json_object *mounts, const BerthCreateOptions *options, uint32_t ids,
                    bool is_system) {
    static const char *const own[] = {"nosuid", "noexec", "nodev", "ro", NULL};
    static const char *const hosts[] = {"rbind", "rnosuid", "rnoexec", "rnodev", "rro", NULL};
    static const char *const writable[] = {"nosuid", "noexec", "nodev", NULL};
    bool host = ids > 0 && options->network_mode == BERTH_NETWORK_HOST;

    append_mount(mounts, "/sys", host ? "bind" : "sysfs", host ? "/sys" : "sysfs",
                 host ? hosts : own);
    /* Only the host can change the limits of this cgroup; the container controls only the cgroups
     * below it. */
    append_mount(mounts, "/sys/fs/cgroup", "cgroup", "cgroup", is_system ? writable : own);
}

static bool is_mounted(const BerthCreateOptions *options, const char *destination) {
    for (guint i = 0; options->mounts && i < options->mounts->len; i++)
        if (g_str_equal(((BerthMountRequest *)options->mounts->pdata[i])->destination, destination))
            return true;
    return false;
}

/* With a read-only root, as with an init system, a place for temporary files is needed. */
static void add_temporary(json_object *mounts, const BerthCreateOptions *options, bool is_system) {
    static const char *const flags[] = {"nosuid", "nodev", "mode=1777", "size=50%", NULL};
    static const char *const run_flags[] = {"nosuid", "nodev", "mode=755", "size=20%", NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(system_directories); i++) {
        const char *path = system_directories[i];
        bool plain = g_str_equal(path, "/run") || g_str_equal(path, "/tmp");
        if ((is_system || (options->read_only && plain)) && !is_mounted(options, path))
            append_mount(mounts, path, "tmpfs", "tmpfs",
                         g_str_equal(path, "/tmp") ? flags : run_flags);
    }
}

/* The files that files.c writes. */
static void add_files(json_object *mounts, const BerthCreateOptions *options,
                      const BerthSpecContext *context) {
    static const char *const paths[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};
    const char *const flags[] = {"bind", "nosuid", "nodev", context->ids > 0 ? "idmap" : NULL,
                                 NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *source = g_strconcat(context->files, paths[i], NULL);
        if (i == 0 && options->no_hosts)
            continue;
        if (!is_mounted(options, paths[i]))
            append_mount(mounts, paths[i], "bind", source, flags);
    }
}

/* The file systems of namespaces that may be the host's. /dev/mqueue is not among them: it can be
 * mounted for the host's namespace, too, whether or not the host has it mounted (plan/plan.c). */
static bool is_of_host(const BerthCreateOptions *options, const char *destination) {
    return (g_str_equal(destination, "/dev/shm") &&
            options->ipc_namespace == BERTH_NAMESPACE_HOST) ||
           (g_str_equal(destination, "/proc") && options->pid_namespace == BERTH_NAMESPACE_HOST);
}

/* The containers of a pod share POSIX shared memory, whose size is set for the pod. */
static void add_shared_memory(json_object *mounts, const BerthCreateOptions *options,
                              const char *const *defaults) {
    static const char *const shared[] = {"bind", "nosuid", "noexec", "nodev", "x-berth.pod", NULL};
    g_autofree char *size = g_strdup_printf("size=%" G_GUINT64_FORMAT, options->shm_size);
    const char *const sized[] = {"nosuid", "noexec", "nodev", "mode=1777", size, NULL};

    if (options->pod)
        append_mount(mounts, "/dev/shm", "bind", "/dev/shm", shared);
    else
        append_mount(mounts, "/dev/shm", "tmpfs", "shm", options->shm_size > 0 ? sized : defaults);
}

/* A user namespace cannot mount proc for a namespace that it does not own, so the host's is
 * bind-mounted. */
static void add_default_mounts(json_object *mounts, const BerthCreateOptions *options) {
    static const char *const hosts[] = {"rbind", "rnosuid", "rnoexec", "rnodev", NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(default_mounts); i++) {
        const char *destination = default_mounts[i].destination;
        if (is_of_host(options, destination))
            append_mount(mounts, destination, "bind", destination, hosts);
        else if (g_str_equal(destination, "/dev/shm"))
            add_shared_memory(mounts, options, default_mounts[i].options);
        else
            append_mount(mounts, destination, default_mounts[i].type, default_mounts[i].source,
                         default_mounts[i].options);
    }
}

/* In mounting order: a caller's mount may be at or below a default one. Those of devices come
 * last. */
void berth_spec_add_mounts(json_object *root, const BerthCreateOptions *options,
                           const BerthImageInfo *image, const BerthSpecContext *context,
                           bool is_system) {
    static const char *const volume[] = {"bind", "x-berth.volume", NULL};
    static const char *const secrets_flags[] = {"nosuid",    "nodev",   "noexec",
                                                "mode=0755", "size=6m", NULL};
    static const char *const init_flags[] = {"bind", "ro", "nosuid", "nodev", NULL};

    json_object *mounts = berth_document_add_array(root, "mounts");
    if (options->root_mount)
        berth_mount_append(mounts, options->root_mount->pdata[0], context->ids > 0,
                           &options->kept_id);
    add_default_mounts(mounts, options);
    add_sys(mounts, options, context->ids, is_system);
    add_temporary(mounts, options, is_system);
    for (char **path = image->volumes; *path; path++) {
        /* Builders do not normalize these paths: "/a/../b" is "/b". */
        g_autofree char *at = berth_plan_path_clean(*path);
        if ((*path)[0] == '/' && at[1] && !is_mounted(options, at))
            append_mount(mounts, at, "bind", at, volume);
    }
    add_files(mounts, options, context);
    for (guint i = 0; options->mounts && i < options->mounts->len; i++)
        berth_mount_append(mounts, options->mounts->pdata[i], context->ids > 0, &options->kept_id);
    for (guint i = 0; context->edits && i < context->edits->mounts->len; i++)
        berth_mount_append(mounts, context->edits->mounts->pdata[i], context->ids > 0,
                           &options->kept_id);
    /* Last, so that no mount of the caller hides it (launch/secrets.c). */
    if (options->has_secret_files)
        append_mount(mounts, BERTH_SECRETS_DIRECTORY, "tmpfs", "secrets", secrets_flags);
    if (options->init || options->pod_exit != BERTH_POD_NOT)
        append_mount(mounts, BERTH_SPEC_INIT_PATH, "bind", BERTH_LIBEXECDIR "/berth-init",
                     init_flags);
}
