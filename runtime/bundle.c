/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads bundles. The configuration is passed to the service, which checks all of it; the changes
 * made here only express for the service what the original means to another runtime. The root
 * directory is opened with the caller's rights and passed as a descriptor.
 */

#include "bundle.h"

#include "base/delegation.h"
#include "base/document-members.h"
#include "base/fd.h"
#include "base/limits.h"
#include "call.h"
#include "log.h"
#include "monitored.h"
#include "overrides.h"

#include <errno.h>
#include <string.h>

void runtime_bundle_free(RuntimeBundle *bundle) {
    g_clear_pointer(&bundle->config, json_object_put);
    g_free(bundle->spec);
    g_free(bundle->rootfs);
    berth_fd_clear(&bundle->root);
    g_strfreev(bundle->annotations);
    g_free(bundle);
}

/* "-" is standard input. If text is not NULL, the caller frees *text. */
json_object *runtime_read_json(const char *file, char **text, GError **error) {
    berth_autofd int fd = g_str_equal(file, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                                 : open(file, O_RDONLY | O_CLOEXEC);
    size_t size;

    if (fd < 0) {
        berth_error_set_errno(error, errno, "open %s", file);
        return NULL;
    }
    g_autofree char *content = berth_fd_read_stream(fd, BERTH_MAX_DOCUMENT_BYTES, &size, error);
    json_object *document = content ? berth_document_parse(content, size, error) : NULL;
    if (!document)
        g_prefix_error(error, "%s: ", file);
    else if (text)
        *text = g_steal_pointer(&content);
    return document;
}

static bool mount_is_bind(json_object *mount) {
    g_auto(GStrv) options = NULL;
    const char *type = NULL;

    /* The service refuses members of the wrong type. */
    return (berth_document_get_string(mount, "type", &type, NULL) && type &&
            g_str_equal(type, "bind")) ||
           (berth_document_get_strings(mount, "options", &options, NULL) &&
            (g_strv_contains((const char *const *)options, "bind") ||
             g_strv_contains((const char *const *)options, "rbind")));
}

/* A relative source is relative to the bundle (config.md, Mounts). */
static bool bundle_adapt_mounts(json_object *config, const char *directory, GError **error) {
    json_object *mounts;

    if (!berth_document_get_objects(config, "mounts", &mounts, error))
        return false;
    if (!mounts)
        return true;
    json_object *adapted = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(mounts); i++) {
        json_object *mount = berth_document_copy(json_object_array_get_idx(mounts, i));
        const char *source = NULL;
        if (mount_is_bind(mount) && berth_document_get_string(mount, "source", &source, NULL) &&
            source && !g_path_is_absolute(source)) {
            g_autofree char *path = g_build_filename(directory, source, NULL);
            berth_document_add_string(mount, "source", path);
        }
        json_object_array_add(adapted, mount);
    }
    json_object_object_add(config, "mounts", adapted);
    return true;
}

/* An engine only knows the monitor of a container, which is in some of the container's namespaces
 * but never in its pid namespace: joining the monitor's would mean joining the host's. So such
 * paths are replaced by those of the container's first process. */
static bool bundle_adapt_namespaces(json_object *linux_part, const char *root, GError **error) {
    json_object *namespaces;

    if (!berth_document_get_objects(linux_part, "namespaces", &namespaces, error))
        return false;
    if (!namespaces)
        return true;
    g_autoptr(json_object) adapted = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(namespaces); i++) {
        json_object *entry = berth_document_copy(json_object_array_get_idx(namespaces, i));
        const char *path = NULL;
        g_autofree char *real = NULL;
        json_object_array_add(adapted, entry);
        if (!berth_document_get_string(entry, "path", &path, error) ||
            (path && !runtime_monitored_find_path(root, path, &real, error)))
            return false;
        if (real)
            berth_document_add_string(entry, "path", real);
    }
    json_object_object_add(linux_part, "namespaces", g_steal_pointer(&adapted));
    return true;
}

/* SLICE:PREFIX:NAME is left to the service. A cgroupfs path says where an engine expects the
 * container, which is in a systemd scope instead, so it is taken out. */
static bool bundle_take_cgroups_path(json_object *linux_part, char **cgroups_path, GError **error) {
    const char *path;

    if (!berth_document_get_string(linux_part, "cgroupsPath", &path, error))
        return false;
    if (path && path[0] && !strchr(path, ':')) {
        *cgroups_path = g_strdup(path);
        json_object_object_del(linux_part, "cgroupsPath");
    }
    return true;
}

/* Only copies are changed, of each object on the way to a change: config itself stays as it was
 * read. */
json_object *runtime_bundle_adapt(json_object *config, const char *directory, const char *root,
                                  char **cgroups_path, GError **error) {
    json_object *linux_part;

    *cgroups_path = NULL;
    if (!berth_document_get_object(config, "linux", &linux_part, error))
        return NULL;
    g_autoptr(json_object) whole = berth_document_copy(config);
    if (!bundle_adapt_mounts(whole, directory, error))
        return NULL;
    if (linux_part) {
        json_object *copy = berth_document_copy(linux_part);
        json_object_object_add(whole, "linux", copy);
        if (!bundle_adapt_namespaces(copy, root, error) ||
            !bundle_take_cgroups_path(copy, cgroups_path, error))
            return NULL;
    }
    return g_steal_pointer(&whole);
}

/* O_NOFOLLOW: runc also refuses a root directory that is a symbolic link. Since it is opened here,
 * with the caller's rights, the descriptor proves that the caller can reach it. */
static bool bundle_open_root(RuntimeBundle *bundle, json_object *config, const char *directory,
                             GError **error) {
    json_object *root;
    const char *path = NULL;

    if (!berth_document_get_object(config, "root", &root, error) ||
        (root && !berth_document_get_string(root, "path", &path, error)))
        return false;
    if (!path || !path[0])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "root.path is missing");
    bundle->rootfs =
        g_path_is_absolute(path) ? g_strdup(path) : g_build_filename(directory, path, NULL);
    bundle->root = open(bundle->rootfs, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (bundle->root >= 0)
        return true;
    if (errno == ENOTDIR && g_file_test(bundle->rootfs, G_FILE_TEST_IS_SYMLINK))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "invalid rootfs: %s is a symbolic link", bundle->rootfs);
    return berth_error_set_errno(error, errno, "open rootfs %s", bundle->rootfs);
}

/* Whether own is the parent of the cgroup path, or is below that parent. */
bool runtime_bundle_is_callers_cgroup(const char *path, const char *own) {
    g_autofree char *parent = g_path_get_dirname(path);
    size_t length = strlen(parent);

    return path[0] == '/' && length > 1 && g_str_has_prefix(own, parent) &&
           (own[length] == '/' || own[length] == '\0');
}

static void bundle_choose_cgroup(RuntimeBundle *bundle, const char *cgroups_path) {
    g_autofree char *own = berth_delegation_read_cgroup(0, NULL);

    bundle->in_callers_cgroup = own && runtime_bundle_is_callers_cgroup(cgroups_path, own);
    if (!bundle->in_callers_cgroup)
        runtime_log(RUNTIME_LOG_DEBUG, "the container is in a scope of systemd instead of %s",
                    cgroups_path);
}

static bool bundle_take(RuntimeBundle *bundle, json_object *config, const char *directory,
                        const RuntimeOptions *options, GError **error) {
    g_autofree char *cgroups_path = NULL;
    const char *version;
    json_object *process;

    if (!berth_document_get_string(config, "ociVersion", &version, error) ||
        !berth_document_get_object(config, "process", &process, error) ||
        (process && !berth_document_get_bool(process, "terminal", &bundle->terminal, error)) ||
        !berth_document_get_keys(config, "annotations", true, &bundle->annotations, error))
        return false;
    if (!version)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "ociVersion is missing");
    if (!process)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "process is missing");
    if (!bundle_open_root(bundle, config, directory, error) ||
        !runtime_command_check(config, bundle->root, error))
        return false;
    bundle->config = runtime_bundle_adapt(config, directory, options->root, &cgroups_path, error);
    bundle->spec = bundle->config ? berth_document_print(bundle->config, false) : NULL;
    if (cgroups_path && !options->cgroup)
        bundle_choose_cgroup(bundle, cgroups_path);
    return bundle->spec != NULL;
}

RuntimeBundle *runtime_bundle_read(const char *directory, const RuntimeOptions *options,
                                   GError **error) {
    const char *name = options->config ? options->config : "config.json";
    g_autoptr(RuntimeBundle) bundle = g_new0(RuntimeBundle, 1);
    g_autofree char *file =
        g_path_is_absolute(name) ? g_strdup(name) : g_build_filename(directory, name, NULL);

    bundle->root = -1;
    if (!runtime_overrides_parse_cgroup(options->cgroup, &bundle->in_callers_cgroup, error))
        return NULL;
    g_autoptr(json_object) config = runtime_read_json(file, NULL, error);
    if (!config)
        return NULL;
    g_autoptr(json_object) whole = runtime_overrides_apply(config, options, error);
    if (!whole || !bundle_take(bundle, whole, directory, options, error)) {
        g_prefix_error(error, "%s: ", file);
        return NULL;
    }
    return g_steal_pointer(&bundle);
}
