/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The devices of Create. A device node of the host is opened to learn its numbers; for users, only
 * below /dev. The name of a CDI device is looked up in the specifications, which are trusted
 * because the administrator controls them, but are still parsed with limits. There is no state
 * beyond the BerthDeviceEdits, which the caller owns.
 */

#include "containers/spec/devices.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/fd.h"
#include "containers/spec/mounts.h"
#include "containers/spec/privilege-names.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { MAX_SPECIFICATIONS = 256, MAX_SPECIFICATION_BYTES = 1024 * 1024, MAX_ID = 65535 };

static const char *const cdi_directories[] = {"/etc/cdi", "/run/cdi"};

static void free_device(gpointer data) {
    BerthDeviceRequest *device = data;

    g_free(device->path);
    g_free(device->access);
    g_free(device);
}

void berth_device_edits_free(BerthDeviceEdits *edits) {
    if (!edits)
        return;
    g_ptr_array_unref(edits->devices);
    g_ptr_array_unref(edits->environment);
    g_ptr_array_unref(edits->mounts);
    json_object_put(edits->hooks);
    g_free(edits);
}

static bool check_access(const char *access, GError **error) {
    return (access[0] && strspn(access, "rwm") == strlen(access)) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "invalid device access \"%.100s\"; use letters of rwm", access);
}

/* For a user, only nodes on the file system mounted at /dev itself: a user may have mounted a FUSE
 * file system elsewhere, even below it, whose program never answers, and berthd would block. */
static bool look_at_node_for_user(const char *node, struct stat *status, GError **error) {
    berth_autofd int directory = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int file = -1;

    if (directory < 0)
        return berth_error_set_errno(error, errno, "open /dev");
    /* O_PATH does not call the device's driver (open(2)). */
    if (g_str_has_prefix(node, "/dev/"))
        file = berth_fd_open_on_mount(directory, node + strlen("/dev/"), O_PATH, 0);
    else
        errno = EXDEV;
    if (file < 0 && errno == EXDEV)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the device %.200s is not on the file system of /dev", node);
    return (file >= 0 && fstat(file, status) == 0) ||
           berth_error_set(error, BERTH_ERROR_NOT_FOUND, "the device %.200s: %s", node,
                           g_strerror(errno));
}

bool berth_device_is_at(const char *path, mode_t type, unsigned major, unsigned minor) {
    struct stat status;

    return look_at_node_for_user(path, &status, NULL) && (status.st_mode & S_IFMT) == type &&
           status.st_rdev == makedev(major, minor);
}

bool berth_device_check_limits(GVariant *properties, GError **error) {
    GVariantIter iterator;
    GVariant *value;
    const char *path;
    struct stat status;

    if (!properties)
        return true;
    g_variant_iter_init(&iterator, properties);
    while (g_variant_iter_next(&iterator, "{&sv}", NULL, &value)) {
        g_autoptr(GVariant) owned = value;
        GVariantIter limits;
        if (!g_variant_is_of_type(value, G_VARIANT_TYPE("a(st)")))
            continue;
        g_variant_iter_init(&limits, value);
        while (g_variant_iter_next(&limits, "(&st)", &path, NULL))
            if (!look_at_node_for_user(path, &status, error))
                return false;
    }
    return true;
}

static bool look_at_node(const char *node, uid_t owner, struct stat *status, GError **error) {
    if (owner != 0)
        return look_at_node_for_user(node, status, error);
    return stat(node, status) == 0 ||
           berth_error_set(error, BERTH_ERROR_NOT_FOUND, "the device %.200s: %s", node,
                           g_strerror(errno));
}

/* Takes the host node's numbers, owner and mode. */
static bool add_device_node(BerthDeviceEdits *edits, const char *node, const char *path,
                            const char *access, uid_t owner, GError **error) {
    struct stat status;

    if (!check_access(access, error))
        return false;
    if (path[0] != '/')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the path \"%.200s\" of a device is not absolute", path);
    if (!look_at_node(node, owner, &status, error))
        return false;
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%.200s is not a device", node);
    BerthDeviceRequest *device = g_new0(BerthDeviceRequest, 1);
    *device = (BerthDeviceRequest){
        .path = g_strdup(path),
        .type = status.st_mode & S_IFMT,
        .mode = status.st_mode & 0777,
        .major = major(status.st_rdev),
        .minor = minor(status.st_rdev),
        /* A container has 65536 ids; higher ones become root. */
        .uid = status.st_uid <= MAX_ID ? status.st_uid : 0,
        .gid = status.st_gid <= MAX_ID ? status.st_gid : 0,
        .access = g_strdup(access),
    };
    g_ptr_array_add(edits->devices, device);
    return true;
}

/* "/dev/NODE[:PATH[:rwm]]" */
static bool add_plain(BerthDeviceEdits *edits, const char *wanted, uid_t owner, GError **error) {
    g_auto(GStrv) parts = g_strsplit(wanted, ":", 3);
    guint count = g_strv_length(parts);

    if (owner != 0 && !berth_privileges_check_path(parts[0], error))
        return false;
    return add_device_node(edits, parts[0], count > 1 && parts[1][0] ? parts[1] : parts[0],
                           count > 2 ? parts[2] : "rwm", owner, error);
}

/* "deviceNodes" of CDI (SPEC.md): what the file says about a node overrides the host's values. */
static bool apply_node(BerthDeviceEdits *edits, json_object *object, GError **error) {
    const char *path, *host_path, *access;
    uint64_t mode, uid, gid;

    if (!berth_document_get_string(object, "path", &path, error) ||
        !berth_document_get_string(object, "hostPath", &host_path, error) ||
        !berth_document_get_string(object, "permissions", &access, error) ||
        !berth_document_get_size(object, "fileMode", &mode, error) ||
        !berth_document_get_size(object, "uid", &uid, error) ||
        !berth_document_get_size(object, "gid", &gid, error))
        return false;
    if (!path)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "a device node has no path");
    /* The administrator has configured this, so the caller's privileges do not matter. */
    if (!add_device_node(edits, host_path && host_path[0] ? host_path : path, path,
                         access && access[0] ? access : "rwm", 0, error))
        return false;
    BerthDeviceRequest *device = edits->devices->pdata[edits->devices->len - 1];
    if (json_object_object_get(object, "fileMode"))
        device->mode = (mode_t)mode & 0777;
    if (json_object_object_get(object, "uid") && uid <= MAX_ID)
        device->uid = (uid_t)uid;
    if (json_object_object_get(object, "gid") && gid <= MAX_ID)
        device->gid = (gid_t)gid;
    return true;
}

/* "mounts" of CDI. The administrator has chosen the source, so the caller's access to it is not
 * checked, unlike with the mount option. */
static bool apply_mount(BerthDeviceEdits *edits, json_object *object, GError **error) {
    const char *source, *destination;
    g_auto(GStrv) options = NULL;

    if (!berth_document_get_string(object, "hostPath", &source, error) ||
        !berth_document_get_string(object, "containerPath", &destination, error) ||
        !berth_document_get_strings(object, "options", &options, error))
        return false;
    BerthMountRequest *mount = berth_mount_request_new_trusted(
        source ? source : "", destination ? destination : "", options, error);
    if (mount)
        g_ptr_array_add(edits->mounts, mount);
    return mount != NULL;
}

static bool apply_hook(BerthDeviceEdits *edits, json_object *object, GError **error) {
    const char *name;

    if (!berth_document_get_string(object, "hookName", &name, error))
        return false;
    if (!name)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "a hook has no hookName");
    /* The remaining members of a CDI hook are those of a hook in the runtime specification, so it
     * is copied into the configuration unchanged. */
    json_object *hook = berth_document_copy(object);
    json_object_object_del(hook, "hookName");
    json_object *list = json_object_object_get(edits->hooks, name);
    if (!list)
        list = berth_document_add_array(edits->hooks, name);
    json_object_array_add(list, hook);
    return true;
}

static bool apply_each(BerthDeviceEdits *edits, json_object *object, const char *member,
                       bool (*apply)(BerthDeviceEdits *, json_object *, GError **),
                       GError **error) {
    json_object *array;

    if (!berth_document_get_objects(object, member, &array, error))
        return false;
    for (size_t i = 0; array && i < json_object_array_length(array); i++)
        if (!apply(edits, json_object_array_get_idx(array, i), error))
            return false;
    return true;
}

/* Edits are added in the order in which the caller names the devices. If one fails, the request is
 * refused: a device without its mounts or hooks would only appear to work. */
static bool apply_edits(BerthDeviceEdits *edits, json_object *of, GError **error) {
    g_auto(GStrv) environment = NULL;
    json_object *object;

    if (!berth_document_get_object(of, "containerEdits", &object, error))
        return false;
    if (!object)
        return true;
    if (!berth_document_get_strings(object, "env", &environment, error) ||
        !apply_each(edits, object, "deviceNodes", apply_node, error) ||
        !apply_each(edits, object, "mounts", apply_mount, error) ||
        !apply_each(edits, object, "hooks", apply_hook, error))
        return false;
    for (char **variable = environment; *variable; variable++)
        g_ptr_array_add(edits->environment, g_strdup(*variable));
    return true;
}

/* The specification in a file if it is of this kind. Returns NULL without error if it is of another
 * kind or not valid: a broken file of one vendor is no reason to refuse another vendor's
 * devices. */
static json_object *read_specification(const char *directory, const char *name, const char *kind) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    /* O_NONBLOCK: opening a FIFO does not wait for a writer (fifo(7)). */
    berth_autofd int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const char *found = NULL;
    size_t size;

    if (file < 0)
        return NULL;
    g_autofree char *text = berth_fd_read_whole(file, MAX_SPECIFICATION_BYTES, &size, NULL);
    g_autoptr(json_object) root = text ? berth_document_parse(text, size, NULL) : NULL;
    if (!root || !berth_document_get_string(root, "kind", &found, NULL) ||
        g_strcmp0(found, kind) != 0)
        return NULL;
    return g_steal_pointer(&root);
}

/* Returns 1 if found and applied, 0 if this specification does not have it, -1 with error. */
static int apply_device(BerthDeviceEdits *edits, json_object *specification, const char *name,
                        GError **error) {
    const char *found;
    json_object *array;

    if (!berth_document_get_objects(specification, "devices", &array, error))
        return -1;
    for (size_t i = 0; array && i < json_object_array_length(array); i++) {
        json_object *device = json_object_array_get_idx(array, i);
        if (!berth_document_get_string(device, "name", &found, error))
            return -1;
        /* The top-level edits of a specification apply to each of its devices (CDI, SPEC.md). */
        if (g_strcmp0(found, name) == 0)
            return apply_edits(edits, specification, error) && apply_edits(edits, device, error)
                       ? 1
                       : -1;
    }
    return 0;
}

/* VENDOR/CLASS=NAME; a specification in /run takes precedence over one in /etc. */
static bool add_named(BerthDeviceEdits *edits, const char *wanted, GError **error) {
    g_auto(GStrv) parts = g_strsplit(wanted, "=", 2);

    for (size_t i = G_N_ELEMENTS(cdi_directories); i-- > 0;) {
        g_autoptr(GDir) directory = g_dir_open(cdi_directories[i], 0, NULL);
        const char *name;
        for (unsigned n = 0;
             directory && n < MAX_SPECIFICATIONS && (name = g_dir_read_name(directory)); n++) {
            if (!g_str_has_suffix(name, ".json"))
                continue;
            g_autoptr(json_object) root = read_specification(cdi_directories[i], name, parts[0]);
            int r = root ? apply_device(edits, root, parts[1], error) : 0;
            if (r < 0)
                g_prefix_error(error, "%s/%s: ", cdi_directories[i], name);
            if (r != 0)
                return r > 0;
        }
    }
    return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                           "there is no device \"%.200s\" in /etc/cdi and /run/cdi", wanted);
}

BerthDeviceEdits *berth_device_edits_new(char *const *wanted, uid_t owner, GError **error) {
    g_autoptr(BerthDeviceEdits) edits = g_new0(BerthDeviceEdits, 1);

    edits->devices = g_ptr_array_new_with_free_func(free_device);
    edits->environment = g_ptr_array_new_with_free_func(g_free);
    edits->mounts = g_ptr_array_new_with_free_func(berth_mount_request_free);
    edits->hooks = json_object_new_object();
    for (; wanted && *wanted; wanted++) {
        bool named = (*wanted)[0] != '/' && strchr(*wanted, '=');
        if (!(named ? add_named(edits, *wanted, error) : add_plain(edits, *wanted, owner, error)))
            return NULL;
    }
    return g_steal_pointer(&edits);
}
