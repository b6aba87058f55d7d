/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A manager that runs as root and has a delegated cgroup, such as slurmstepd, may put each of its
 * users' processes into a cgroup below it, into and out of which the users cannot move processes:
 * cgroup.procs belongs to root, the directory to root or, with slurmstepd, to the user. Whatever is
 * created below such a cgroup is still subject to the limits of the processes in it, so a container
 * of such a process may be placed there. The container cannot have limits of its own, because the
 * manager's cgroup is not changed. There is no state here: the container's record contains the id
 * of the cgroup, since a manager may later use the same path for another user.
 */

#include "systemd/managed-cgroup.h"

#include "bare/cgroup-lines.h"
#include "base/delegation.h"
#include "base/fd.h"

#include <string.h>
#include <sys/stat.h>

enum { MAX_CGROUPS_BYTES = 64 * 1024 };

/* The paths of a process in the v1 hierarchies, if there are any. */
static char *managed_cgroup_read_version_1(pid_t pid) {
    g_autofree char *file =
        pid > 0 ? g_strdup_printf("/proc/%d/cgroup", (int)pid) : g_strdup("/proc/self/cgroup");
    g_autofree char *text = berth_fd_read_file_at(AT_FDCWD, file, MAX_CGROUPS_BYTES);
    GString *paths = g_string_new(NULL);
    char *rest = text;
    BerthCgroupLine line;

    while (rest && berth_cgroup_next_line(&rest, &line))
        if (line.controllers[0])
            g_string_append_printf(paths, "%s:%s\n", line.controllers, line.path);
    return g_string_free(paths, FALSE);
}

/* In the v1 hierarchies the container is in the service's cgroups: a caller in other ones may have
 * limits there that the container would escape. */
static bool managed_cgroup_is_all(pid_t pid) {
    g_autofree char *caller = managed_cgroup_read_version_1(pid);
    g_autofree char *own = managed_cgroup_read_version_1(0);

    return g_str_equal(caller, own);
}

uint64_t berth_managed_cgroup_find(int root, const char *path, int above, const char *above_path,
                                   pid_t pid, uint32_t uid) {
    size_t length = strlen(above_path);
    struct stat delegated, own;

    if (!g_str_has_prefix(path, above_path) || path[length] != '/' ||
        !berth_delegation_is_marked(above) || fstat(above, &delegated) < 0 ||
        delegated.st_uid != 0 || !managed_cgroup_is_all(pid))
        return 0;
    berth_autofd int cgroup = berth_delegation_open(root, path, NULL);
    /* The inode number of a cgroup is its id, which is not reused until the next boot. */
    return cgroup >= 0 && fstat(cgroup, &own) == 0 && (own.st_uid == 0 || own.st_uid == uid)
               ? own.st_ino
               : 0;
}

bool berth_managed_cgroup_check(int cgroup, const char *path, uint64_t number, GError **error) {
    struct stat status;

    return (fstat(cgroup, &status) == 0 && status.st_ino == number) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "the cgroup \"%s\" does not exist any more", path);
}
