/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creates and removes cgroups below delegated ones. There is no state here: each call opens the
 * parent by its path and checks the descriptor, so that nothing moved or recreated in between
 * matters. A cgroup is used only if the user could have created the container's there without
 * Berth: the directory and its cgroup.procs must belong to the user, as the kernel requires of
 * anyone who moves processes between its children (cgroups(7), "Cgroup delegation: containment").
 * Thus no container escapes the limits of its caller. For root, who owns everything, systemd's mark
 * decides. The only exceptions are cgroups that a manager running as root has created for its
 * users' processes (managed-cgroup.c).
 *
 * On a hybrid system the controllers are in v1 hierarchies. There, a cgroup with the same path is
 * created where the parent has one, and berth-launch puts the process into it.
 */

#include "systemd/delegated.h"

#include "bare/cgroup-lines.h"
#include "base/delegation.h"
#include "base/directory.h"
#include "base/fd.h"
#include "systemd/device-filter.h"
#include "systemd/limit-files.h"
#include "systemd/managed-cgroup.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"
#define MAX_DEPTH 16 /* of cgroups below a container's; enforced by the kernel */

enum {
    MAX_FILE_BYTES = 4096,
    MAX_CGROUPS_BYTES = 64 * 1024,
    MAX_REMOVED_AT_ONCE = 512 /* a container may create many, and this must not take long */
};

static bool delegated_write(int directory, const char *name, const char *value) {
    berth_autofd int file = openat(directory, name, O_WRONLY | O_CLOEXEC);

    return file >= 0 && berth_fd_write_all(file, value, strlen(value));
}

/* Both owners are checked on the open directory, which can no longer be exchanged. */
static bool delegated_check(int cgroup, const char *path, uint32_t uid, GError **error) {
    struct stat directory, processes;

    if (fstat(cgroup, &directory) == 0 && fstatat(cgroup, "cgroup.procs", &processes, 0) == 0 &&
        directory.st_uid == uid && processes.st_uid == uid &&
        (uid != 0 || berth_delegation_is_marked(cgroup)))
        return true;
    return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "the cgroup \"%s\" is not delegated to user %u; its unit needs "
                           "Delegate=yes",
                           path, uid);
}

/* The path certainly belongs to this process: the start time shows that the pid still belongs to
 * the process that the bus has reported, and so it did when the path was read. */
char *berth_delegated_find(pid_t pid, uint64_t started, uint32_t uid, uint64_t *managed,
                           GError **error) {
    g_autofree char *path = NULL;

    if (pid > 0 && started > 0 && !(path = berth_delegation_read_cgroup(pid, error)))
        return NULL;
    if (!path || berth_pid_get_start(pid) != started) {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "the caller has ended");
        return NULL;
    }
    berth_autofd int root = berth_delegation_open_root(error);
    g_autofree char *found = root < 0 ? NULL : berth_delegation_find(root, path, error);
    berth_autofd int cgroup = found ? berth_delegation_open(root, found, error) : -1;
    if (cgroup < 0)
        return NULL;
    *managed = uid == 0 ? 0 : berth_managed_cgroup_find(root, path, cgroup, found, pid, uid);
    if (*managed != 0 && berth_pid_get_start(pid) == started)
        return g_steal_pointer(&path);
    return delegated_check(cgroup, found, uid, error) ? g_steal_pointer(&found) : NULL;
}

/* For the limits and statistics of the container. The kernel refuses to enable a controller while
 * the parent has processes of its own (cgroup-v2.rst, "No Internal Process Constraint"); the
 * container is then limited and counted together with the parent. */
static void delegated_enable_controllers(int parent) {
    static const char *const wanted[] = {"cpu", "io", "memory", "pids"};
    g_autofree char *available =
        berth_fd_read_file_at(parent, "cgroup.controllers", MAX_FILE_BYTES);
    g_autofree char *enabled =
        berth_fd_read_file_at(parent, "cgroup.subtree_control", MAX_FILE_BYTES);
    g_auto(GStrv) there = g_strsplit_set(available ? available : "", " \n", -1);
    g_auto(GStrv) done = g_strsplit_set(enabled ? enabled : "", " \n", -1);

    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
        g_autofree char *word = g_strconcat("+", wanted[i], NULL);
        if (g_strv_contains((const char *const *)there, wanted[i]) &&
            !g_strv_contains((const char *const *)done, wanted[i]))
            (void)delegated_write(parent, "cgroup.subtree_control", word);
    }
}

typedef void (*HierarchyVisit)(const char *directory, const char *path);

/* Visits the cgroup's directories in the v1 hierarchies. */
static void delegated_each_version_1(const char *path, HierarchyVisit seen) {
    g_autofree char *text = berth_fd_read_file_at(AT_FDCWD, "/proc/self/cgroup", MAX_CGROUPS_BYTES);
    char *rest = text;
    BerthCgroupLine line;

    while (rest && berth_cgroup_next_line(&rest, &line)) {
        const char *mount = berth_cgroup_get_mount(&line);
        if (!mount)
            continue;
        g_autofree char *directory = g_strconcat(CGROUPS "/", mount, NULL);
        seen(directory, path);
    }
}

static bool delegated_remove_below(int parent, const char *name, unsigned depth, unsigned *left) {
    berth_autofd int directory =
        openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    berth_autolist DIR *entries = directory < 0 ? NULL : berth_directory_list(directory);

    for (struct dirent *entry;
         *left > 0 && entries && depth < MAX_DEPTH && (entry = readdir(entries));)
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            (void)delegated_remove_below(directory, entry->d_name, depth + 1, left);
    if (*left == 0) {
        errno = EBUSY;
        return false;
    }
    (*left)--;
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

/* Returns false with errno if it still exists: it has processes, or more cgroups than are removed
 * at once. */
static bool delegated_remove_tree(int parent, const char *name) {
    unsigned left = MAX_REMOVED_AT_ONCE;

    return delegated_remove_below(parent, name, 0, &left);
}

/* Fails if the parent has no cgroup of its own in this hierarchy; the process then joins the one
 * above. A cgroup left by an earlier run is created anew, without the memory that is still charged
 * to it. */
static void delegated_make_version_1(const char *directory, const char *path) {
    g_autofree char *whole = g_strconcat(directory, path, NULL);

    if (mkdir(whole, 0755) < 0 && errno == EEXIST && delegated_remove_tree(AT_FDCWD, whole))
        (void)mkdir(whole, 0755);
}

static void delegated_remove_version_1(const char *directory, const char *path) {
    g_autofree char *whole = g_strconcat(directory, path, NULL);

    (void)delegated_remove_tree(AT_FDCWD, whole);
}

/* rmdir(2) of a cgroup fails as long as it has processes; false is returned then. */
bool berth_delegated_remove(const char *path) {
    berth_autofd int root = berth_delegation_open_root(NULL);

    if (root < 0 || !delegated_remove_tree(root, path + strspn(path, "/")))
        return false;
    delegated_each_version_1(path, delegated_remove_version_1);
    return true;
}

/* A cgroup left by an earlier run is created anew, so that whatever its owner has changed in it is
 * gone. */
static bool delegated_mkdir(int parent, const char *parent_path, const char *name, GError **error) {
    if (mkdirat(parent, name, 0755) == 0 ||
        (errno == EEXIST && delegated_remove_tree(parent, name) &&
         mkdirat(parent, name, 0755) == 0))
        return true;
    /* Caused by cgroup.max.depth or cgroup.max.descendants, here or further up. */
    if (errno == EAGAIN)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "the cgroup \"%s\" may have no further cgroups below it",
                               parent_path);
    if (errno == EBUSY || errno == EEXIST)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the cgroup \"%s/%s\" has processes or many cgroups", parent_path,
                               name);
    return berth_error_set_errno(error, errno, "make the cgroup \"%s/%s\"", parent_path, name);
}

/* A cgroup below a threaded one cannot contain processes, only threads (cgroup-v2.rst,
 * "Threads"). */
static bool delegated_check_type(int cgroup, const char *parent, GError **error) {
    g_autofree char *type = berth_fd_read_file_at(cgroup, "cgroup.type", MAX_FILE_BYTES);

    return (type && g_str_has_prefix(type, "domain\n")) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "the cgroup \"%s\" is threaded, and cannot have containers", parent);
}

/* The container may own the cgroup, but not this file. Deeper cgroups could not be removed. */
static bool delegated_limit_depth(int cgroup, const char *path, GError **error) {
    const char *file = "cgroup.max.depth";

    return delegated_write(cgroup, file, G_STRINGIFY(MAX_DEPTH)) ||
           berth_error_set_errno(error, errno, "set %s of the cgroup \"%s\"", file, path);
}

/* Limits and the device filter are set before the first process enters. A failure on the way
 * removes the new cgroup again. */
static int delegated_make_below(int parent, const char *parent_path, const char *name,
                                GVariant *properties, GError **error) {
    g_autofree char *path = g_strconcat(parent_path, "/", name, NULL);

    if (!delegated_mkdir(parent, parent_path, name, error))
        return -1;
    delegated_each_version_1(path, delegated_make_version_1);
    berth_autofd int cgroup = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (cgroup < 0)
        berth_error_set_errno(error, errno, "open the cgroup \"%s\"", path);
    else if (delegated_check_type(cgroup, parent_path, error) &&
             delegated_limit_depth(cgroup, path, error) &&
             berth_limit_files_write(cgroup, path, properties, error) &&
             berth_device_filter_attach(cgroup, properties, error))
        return berth_fd_steal(&cgroup);
    (void)berth_delegated_remove(path);
    return -1;
}

/* Checked again at each start, since the delegation may have been revoked after Create. */
int berth_delegated_make_limited(const char *parent, const char *name, uint32_t uid,
                                 uint64_t managed, GVariant *properties, GError **error) {
    berth_autofd int root = berth_delegation_open_root(error);
    berth_autofd int directory = root < 0 ? -1 : berth_delegation_open(root, parent, error);

    if (directory < 0 ||
        !(managed != 0 ? berth_managed_cgroup_check(directory, parent, managed, error)
                       : delegated_check(directory, parent, uid, error)))
        return -1;
    if (managed == 0)
        delegated_enable_controllers(directory);
    return delegated_make_below(directory, parent, name, properties, error);
}

GArray *berth_delegated_open_limits(const char *path, GVariant *properties, GError **error) {
    berth_autofd int root = berth_delegation_open_root(error);
    berth_autofd int cgroup = root < 0 ? -1 : berth_delegation_open(root, path, error);

    return cgroup < 0 ? NULL : berth_limit_files_open(cgroup, path, properties, error);
}

/* The innermost unit, or "" for a cgroup outside of all units. */
char *berth_delegated_get_unit(const char *path) {
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    for (guint i = g_strv_length(parts); i-- > 0;)
        if (g_str_has_suffix(parts[i], ".service") || g_str_has_suffix(parts[i], ".scope"))
            return g_strdup(parts[i]);
    return g_strdup("");
}
