/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads an OCI bundle, or only a configuration or a process, for Containers.Create and Exec. Only
 * the members that dist itself needs are read here ("root.path", "terminal"): the text goes to the
 * service unchanged. The root directory is opened here, with the caller's rights, and passed as a
 * descriptor.
 */

#include "client/bundle.h"

#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "client/bus.h"
#include "client/own-sources.h"
#include "client/translate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The text of a file, which the caller frees, and its parsed document. On failure *document is NULL
 * as well, and the error names the file. */
static char *read_document(const char *file, json_object **document, GError **error) {
    berth_autofd int fd = open(file, O_RDONLY | O_CLOEXEC);
    size_t size;

    if (fd < 0) {
        berth_error_set_errno(error, errno, "%s", file);
        return NULL;
    }
    g_autofree char *text = berth_fd_read_stream(fd, BERTH_MAX_DOCUMENT_BYTES, &size, error);
    *document = text ? berth_document_parse(text, size, error) : NULL;
    if (*document)
        return g_steal_pointer(&text);
    g_prefix_error(error, "%s: ", file);
    return NULL;
}

char *dist_read_process(const char *file, gboolean *terminal, GError **error) {
    g_autoptr(json_object) process = NULL;
    g_autofree char *text = read_document(file, &process, error);
    bool wanted;

    if (!text)
        return NULL;
    if (!berth_document_get_bool(process, "terminal", &wanted, error)) {
        g_prefix_error(error, "%s: ", file);
        return NULL;
    }
    /* -t asks for a terminal, too. */
    *terminal = *terminal || wanted;
    return g_steal_pointer(&text);
}

int dist_append_sources(sd_bus_message *call, const char *file, GError **error) {
    g_autoptr(json_object) config = NULL;
    g_autofree char *text = geteuid() == 0 ? NULL : read_document(file, &config, error);

    if (geteuid() == 0)
        return 0;
    return text ? dist_append_own_sources(call, config) : -EINVAL;
}

/* The text of a configuration and the path of its root, "rootfs" if it does not set one. The caller
 * frees both. */
static char *read_config(const char *file, char **root, GError **error) {
    g_autoptr(json_object) config = NULL;
    g_autofree char *text = read_document(file, &config, error);
    json_object *object = NULL;
    const char *path = NULL;

    if (!text)
        return NULL;
    if (!berth_document_get_object(config, "root", &object, error) ||
        (object && !berth_document_get_string(object, "path", &path, error))) {
        g_prefix_error(error, "%s: ", file);
        return NULL;
    }
    *root = g_strdup(path ? path : "rootfs");
    return g_steal_pointer(&text);
}

int dist_append_spec(sd_bus_message *call, const char *file, GError **error) {
    g_autofree char *root = NULL;
    g_autofree char *text = read_config(file, &root, error);

    /* The image is the root: the path in the configuration has no meaning here. */
    return text ? sd_bus_message_append(call, "{sv}", "Spec", "s", text) : -EINVAL;
}

/* The descriptor belongs to the caller; sd-bus duplicates it. */
static int open_root(const char *path, GError **error) {
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        berth_error_set_errno(error, errno, "%s", path);
    return fd;
}

/* podman's suffixes ask for an overlay or for ids (podman-run(1), --rootfs). A directory may have
 * such a name, too. */
static bool check_root_suffix(const char *directory, GError **error) {
    const char *suffix = strrchr(directory, ':');

    if (!suffix || g_file_test(directory, G_FILE_TEST_EXISTS))
        return true;
    if (g_str_equal(suffix, ":O"))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                               _("--rootfs: \":O\" is not supported: the directory itself is the "
                                 "root; \"dist import --rootfs\" makes an image of a tar file"));
    return !g_str_has_prefix(suffix, ":idmap") ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                           _("--rootfs: \":idmap\" is not supported: the service maps the ids of "
                             "the directory"));
}

int dist_append_root(sd_bus_message *call, const char *directory, GError **error) {
    berth_autofd int fd = check_root_suffix(directory, error) ? open_root(directory, error) : -1;

    return fd < 0 ? -ENOENT : sd_bus_message_append(call, "{sv}", "RootDirectory", "h", fd);
}

int dist_append_bundle(sd_bus_message *call, const char *directory, GError **error) {
    g_autofree char *file = g_build_filename(directory, "config.json", NULL);
    g_autofree char *root = NULL;
    g_autofree char *text = read_config(file, &root, error);

    if (!text)
        return -EINVAL;
    /* A relative path is relative to the bundle (OCI runtime specification, config.md, "Root"). */
    g_autofree char *path =
        g_path_is_absolute(root) ? g_strdup(root) : g_build_filename(directory, root, NULL);
    berth_autofd int fd = open_root(path, error);
    if (fd < 0)
        return -ENOENT;
    return sd_bus_message_append(call, "{sv}{sv}", "Spec", "s", text, "RootDirectory", "h", fd);
}
