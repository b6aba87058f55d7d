/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads an OCI bundle, or a configuration or a process alone, for Containers.Create and Exec. Only
 * the members that dist needs itself are read here ("root.path", "terminal"): the text goes to the
 * service as it is. The root directory is opened here, with the caller's rights, and passes as a
 * descriptor.
 */

#include "client/bundle.h"

#include "base/document.h"
#include "base/fd.h"
#include "client/bus.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Less than a message on the system bus may have (dbus-daemon(1), max_message_unix_fds). */
enum { MAX_SOURCES = 12 };

/* The text of a file, which the caller frees, and its document. On failure *node is NULL, too, and
 * the error names the file. */
static char *read_document(const char *file, JsonNode **node, GError **error) {
    berth_autofd int fd = open(file, O_RDONLY | O_CLOEXEC);
    size_t size;

    if (fd < 0) {
        berth_error_set_errno(error, errno, "%s", file);
        return NULL;
    }
    g_autofree char *text = berth_fd_read_stream(fd, BERTH_DOCUMENT_MAX_BYTES, &size, error);
    *node = text ? berth_document_parse(text, size, error) : NULL;
    if (*node)
        return g_steal_pointer(&text);
    g_prefix_error(error, "%s: ", file);
    return NULL;
}

char *dist_read_process(const char *file, gboolean *terminal, GError **error) {
    g_autoptr(JsonNode) node = NULL;
    g_autofree char *text = read_document(file, &node, error);
    bool wanted;

    if (!text)
        return NULL;
    if (!berth_document_get_bool(json_node_get_object(node), "terminal", &wanted, error)) {
        g_prefix_error(error, "%s: ", file);
        return NULL;
    }
    /* -t asks for a terminal, too. */
    *terminal = *terminal || wanted;
    return g_steal_pointer(&text);
}

/* A bind mount for which the service may want no privilege: of what is the user's own, and of that
 * alone. -1 for any other. */
static int open_own_source(JsonObject *mount) {
    g_auto(GStrv) options = NULL;
    const char *type = NULL, *source = NULL, *destination = NULL;
    struct stat status;

    if (!berth_document_get_string(mount, "type", &type, NULL) ||
        !berth_document_get_string(mount, "source", &source, NULL) ||
        !berth_document_get_string(mount, "destination", &destination, NULL) ||
        !berth_document_get_strings(mount, "options", &options, NULL) || !source ||
        source[0] != '/' || !destination || destination[0] != '/' || destination[1] == '\0' ||
        strstr(destination, ".."))
        return -1;
    const char *const *words = (const char *const *)options;
    if (words && g_strv_contains(words, "rbind"))
        return -1;
    if (g_strcmp0(type, "bind") != 0 && !(words && g_strv_contains(words, "bind")))
        return -1;
    berth_autofd int fd = open(source, O_PATH | O_CLOEXEC);
    return fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() ? berth_fd_steal(&fd)
                                                                            : -1;
}

/* The service opens no paths of its callers. For root nothing is a privilege. */
int dist_append_sources(sd_bus_message *call, const char *file, GError **error) {
    g_autoptr(JsonNode) node = NULL;
    g_autofree char *text = geteuid() == 0 ? NULL : read_document(file, &node, error);
    JsonArray *mounts = NULL;
    int r = 0;

    if (geteuid() == 0)
        return 0;
    if (!text)
        return -EINVAL;
    /* The service reports what is wrong with it. */
    if (!berth_document_get_objects(json_node_get_object(node), "mounts", &mounts, NULL) || !mounts)
        return 0;
    for (guint i = 0, count = 0; r >= 0 && count < MAX_SOURCES && i < json_array_get_length(mounts);
         i++) {
        JsonObject *mount = json_array_get_object_element(mounts, i);
        berth_autofd int fd = open_own_source(mount);
        if (fd < 0)
            continue;
        count++;
        r = sd_bus_message_append(call, "(hsas)", fd,
                                  json_object_get_string_member(mount, "destination"), 0);
    }
    return r;
}

/* The text of a configuration and the path of its root, "rootfs" if it has none. The caller frees
 * both. */
static char *read_config(const char *file, char **root, GError **error) {
    g_autoptr(JsonNode) node = NULL;
    g_autofree char *text = read_document(file, &node, error);
    JsonObject *object = NULL;
    const char *path = NULL;

    if (!text)
        return NULL;
    if (!berth_document_get_object(json_node_get_object(node), "root", &object, error) ||
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

    /* The image is the root: the path in the configuration has no meaning. */
    return text ? sd_bus_message_append(call, "{sv}", "Spec", "s", text) : -EINVAL;
}

int dist_append_bundle(sd_bus_message *call, const char *directory, GError **error) {
    g_autofree char *file = g_build_filename(directory, "config.json", NULL);
    g_autofree char *root = NULL;
    g_autofree char *text = read_config(file, &root, error);

    if (!text)
        return -EINVAL;
    /* A relative path begins at the bundle (OCI runtime specification, config.md, "Root"). */
    g_autofree char *path =
        g_path_is_absolute(root) ? g_strdup(root) : g_build_filename(directory, root, NULL);
    berth_autofd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        berth_error_set_errno(error, errno, "%s", path);
        return -ENOENT;
    }
    return sd_bus_message_append(call, "{sv}{sv}", "Spec", "s", text, "RootDirectory", "h", fd);
}
