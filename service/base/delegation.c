/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds delegated cgroups. There is no state; paths are those of proc_pid_cgroup(5), and are only
 * used below a descriptor of the hierarchy's root.
 *
 * systemd marks the cgroup of a unit with Delegate=yes by the extended attributes trusted.delegate
 * and user.delegate. They only say where systemd does not interfere and grant no rights, since the
 * owner of a cgroup can set the latter. Ownership of the cgroup decides what a user may do in it.
 */

#include "base/delegation.h"

#include "bare/cgroup-lines.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MAX_TEXT = 64 * 1024, MAX_PATH = 1024 };

int berth_delegation_open_root(GError **error) {
    static const char *const roots[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
    struct statfs status;

    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++) {
        berth_autofd int fd = open(roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && fstatfs(fd, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC)
            return berth_fd_steal(&fd);
    }
    berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                    "the unified cgroup hierarchy (version 2) is not mounted");
    return -1;
}

/* A path is shown to users and on the bus, and is stored in berth.db, so that other names are
 * refused. */
static bool delegation_check_path(const char *path, GError **error) {
    bool good = path[0] == '/' && strlen(path) < MAX_PATH && g_utf8_validate(path, -1, NULL);

    for (const char *c = path; good && *c; c++)
        good = !g_ascii_iscntrl(*c);
    return good ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "the path of the cgroup is longer than %d bytes or contains invalid "
                           "characters",
                           MAX_PATH);
}

char *berth_delegation_read_cgroup(pid_t pid, GError **error) {
    g_autofree char *name =
        pid > 0 ? g_strdup_printf("/proc/%d/cgroup", (int)pid) : g_strdup("/proc/self/cgroup");
    berth_autofd int file = open(name, O_RDONLY | O_CLOEXEC);
    size_t size;
    g_autofree char *text = file < 0 ? NULL : berth_fd_read_stream(file, MAX_TEXT, &size, NULL);
    const char *path = text ? berth_cgroup_find_unified(text) : NULL;

    if (!path) {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "the process has no cgroup in the unified hierarchy, or has ended");
        return NULL;
    }
    return delegation_check_path(path, error) ? g_strdup(path) : NULL;
}

/* RESOLVE_BENEATH also refuses "/../…", the form in which the kernel shows a cgroup outside the
 * reader's cgroup namespace (cgroup_namespaces(7)). */
int berth_delegation_open(int root, const char *path, GError **error) {
    const char *below = path + strspn(path, "/");
    int fd = berth_fd_open_resolving(root, *below ? below : ".", O_RDONLY | O_DIRECTORY, 0,
                                     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);

    if (fd < 0)
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        errno == ENOENT ? "the cgroup \"%s\" does not exist any more"
                                        : "the cgroup \"%s\" cannot be opened",
                        path);
    return fd;
}

bool berth_delegation_is_marked(int cgroup) {
    static const char *const names[] = {"trusted.delegate", "user.delegate"};
    char value;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (fgetxattr(cgroup, names[i], &value, 1) == 1 && value == '1')
            return true;
    return false;
}

/* Only units that have processes; a slice has none. */
static bool delegation_is_unit(const char *path) {
    static const char *const suffixes[] = {".service", ".scope", ".socket", ".mount", ".swap"};

    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++)
        if (g_str_has_suffix(path, suffixes[i]))
            return true;
    return false;
}

/* If neither the process's cgroup nor one above it is marked, the search ends at the unit. Above
 * the unit is another manager's cgroup, such as that of user@UID.service, in which a container
 * would not belong to this unit. A process that is in a leaf below its unit, such as dist's or a
 * DelegateSubgroup= (systemd.resource-control(5)), gets a place next to that leaf. */
char *berth_delegation_find(int root, const char *path, GError **error) {
    g_autofree char *at = g_strdup(path);

    while (at[0] == '/' && at[1] != '\0') {
        berth_autofd int cgroup = berth_delegation_open(root, at, error);
        if (cgroup < 0)
            return NULL;
        if (berth_delegation_is_marked(cgroup) || delegation_is_unit(at))
            return g_steal_pointer(&at);
        *strrchr(at, '/') = '\0';
    }
    /* In no unit and not marked: a cgroup created by some other program. */
    return g_str_has_suffix(path, "/" BERTH_DELEGATION_LEAF)
               ? g_strndup(path, strlen(path) - strlen("/" BERTH_DELEGATION_LEAF))
               : g_strdup(path);
}
