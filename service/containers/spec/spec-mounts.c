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

static void spec_add_mount(JsonBuilder *builder, const char *destination, const char *type,
                           const char *source, const char *const *options) {
    json_builder_begin_object(builder);
    berth_document_add_string(builder, "destination", destination);
    berth_document_add_string(builder, "type", type);
    berth_document_add_string(builder, "source", source);
    berth_document_add_strings(builder, "options", (char *const *)options);
    json_builder_end_object(builder);
}

/* A user namespace cannot mount sysfs for a network namespace that it does not own, so the host's
 * is bind-mounted. */
static void add_sys(JsonBuilder *builder, const BerthCreateOptions *options, uint32_t ids,
                    bool is_system) {
    static const char *const own[] = {"nosuid", "noexec", "nodev", "ro", NULL};
    static const char *const hosts[] = {"rbind", "rnosuid", "rnoexec", "rnodev", "rro", NULL};
    static const char *const writable[] = {"nosuid", "noexec", "nodev", NULL};
    bool host = ids > 0 && options->network_mode == BERTH_NETWORK_HOST;

    spec_add_mount(builder, "/sys", host ? "bind" : "sysfs", host ? "/sys" : "sysfs",
                   host ? hosts : own);
    /* Only the host can change the limits of this cgroup; the container controls only the cgroups
     * below it. */
    spec_add_mount(builder, "/sys/fs/cgroup", "cgroup", "cgroup", is_system ? writable : own);
}

static bool is_mounted(const BerthCreateOptions *options, const char *destination) {
    for (guint i = 0; options->mounts && i < options->mounts->len; i++)
        if (g_str_equal(((BerthMountRequest *)options->mounts->pdata[i])->destination, destination))
            return true;
    return false;
}

/* With a read-only root, as with an init system, a place for temporary files is needed. */
static void add_temporary(JsonBuilder *builder, const BerthCreateOptions *options, bool is_system) {
    static const char *const flags[] = {"nosuid", "nodev", "mode=1777", "size=50%", NULL};
    static const char *const run_flags[] = {"nosuid", "nodev", "mode=755", "size=20%", NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(system_directories); i++) {
        const char *path = system_directories[i];
        bool plain = g_str_equal(path, "/run") || g_str_equal(path, "/tmp");
        if ((is_system || (options->read_only && plain)) && !is_mounted(options, path))
            spec_add_mount(builder, path, "tmpfs", "tmpfs",
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
        g_autofree char *source = g_strconcat(context->files, paths[i], NULL);
        if (i == 0 && options->no_hosts)
            continue;
        if (!is_mounted(options, paths[i]))
            spec_add_mount(builder, paths[i], "bind", source, flags);
    }
}

/* The file systems of namespaces that may be the host's. */
static bool is_of_host(const BerthCreateOptions *options, const char *destination) {
    bool is_ipc = g_str_equal(destination, "/dev/shm") || g_str_equal(destination, "/dev/mqueue");

    return (is_ipc && options->ipc_namespace == BERTH_NAMESPACE_HOST) ||
           (g_str_equal(destination, "/proc") && options->pid_namespace == BERTH_NAMESPACE_HOST);
}

/* The containers of a pod share POSIX shared memory, whose size is set for the pod. */
static void add_shared_memory(JsonBuilder *builder, const BerthCreateOptions *options,
                              const char *const *defaults) {
    static const char *const shared[] = {"bind", "nosuid", "noexec", "nodev", "x-berth.pod", NULL};
    g_autofree char *size = g_strdup_printf("size=%" G_GUINT64_FORMAT, options->shm_size);
    const char *const sized[] = {"nosuid", "noexec", "nodev", "mode=1777", size, NULL};

    if (options->pod)
        spec_add_mount(builder, "/dev/shm", "bind", "/dev/shm", shared);
    else
        spec_add_mount(builder, "/dev/shm", "tmpfs", "shm",
                       options->shm_size > 0 ? sized : defaults);
}

/* A user namespace cannot mount proc or mqueue for a namespace that it does not own, so the host's
 * are bind-mounted. */
static void add_default_mounts(JsonBuilder *builder, const BerthCreateOptions *options) {
    static const char *const hosts[] = {"rbind", "rnosuid", "rnoexec", "rnodev", NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(default_mounts); i++) {
        const char *destination = default_mounts[i].destination;
        if (is_of_host(options, destination))
            spec_add_mount(builder, destination, "bind", destination, hosts);
        else if (g_str_equal(destination, "/dev/shm"))
            add_shared_memory(builder, options, default_mounts[i].options);
        else
            spec_add_mount(builder, destination, default_mounts[i].type, default_mounts[i].source,
                           default_mounts[i].options);
    }
}

/* In mounting order: a caller's mount may be at or below a default one. Those of devices come
 * last. */
void berth_spec_add_mounts(JsonBuilder *builder, const BerthCreateOptions *options,
                           const BerthImageInfo *image, const BerthSpecContext *context,
                           bool is_system) {
    static const char *const volume[] = {"bind", "x-berth.volume", NULL};
    static const char *const secrets_flags[] = {"nosuid",    "nodev",   "noexec",
                                                "mode=0755", "size=6m", NULL};
    static const char *const init_flags[] = {"bind", "ro", "nosuid", "nodev", NULL};

    json_builder_set_member_name(builder, "mounts");
    json_builder_begin_array(builder);
    if (options->root_mount)
        berth_mount_add(builder, options->root_mount->pdata[0], context->ids > 0,
                        &options->kept_id);
    add_default_mounts(builder, options);
    add_sys(builder, options, context->ids, is_system);
    add_temporary(builder, options, is_system);
    for (char **path = image->volumes; *path; path++) {
        /* Builders do not normalize these paths: "/a/../b" is "/b". */
        g_autofree char *at = g_canonicalize_filename(*path + strspn(*path, "/"), "/");
        if ((*path)[0] == '/' && at[1] && !is_mounted(options, at))
            spec_add_mount(builder, at, "bind", at, volume);
    }
    add_files(builder, options, context);
    for (guint i = 0; options->mounts && i < options->mounts->len; i++)
        berth_mount_add(builder, options->mounts->pdata[i], context->ids > 0, &options->kept_id);
    for (guint i = 0; context->edits && i < context->edits->mounts->len; i++)
        berth_mount_add(builder, context->edits->mounts->pdata[i], context->ids > 0,
                        &options->kept_id);
    /* Last, so that no mount of the caller hides it (launch/secrets.c). */
    if (options->has_secret_files)
        spec_add_mount(builder, BERTH_SECRETS_DIRECTORY, "tmpfs", "secrets", secrets_flags);
    if (options->init || options->pod_exit != BERTH_POD_NOT)
        spec_add_mount(builder, BERTH_SPEC_INIT_PATH, "bind", BERTH_LIBEXECDIR "/berth-init",
                       init_flags);
    json_builder_end_array(builder);
}
