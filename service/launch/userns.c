/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/userns.h"

#include "base/fd.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static bool write_map(pid_t pid, const char *name, const GArray *ranges, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);
    berth_autofd int file = open(path, O_WRONLY | O_CLOEXEC);

    for (guint i = 0; i < ranges->len; i++) {
        const BerthPlanRange *range = &g_array_index(ranges, BerthPlanRange, i);
        g_string_append_printf(text, "%u %u %u\n", range->inside, range->outside, range->count);
    }
    /* The kernel takes the whole map in one write(2). */
    return (file >= 0 && write(file, text->str, text->len) == (ssize_t)text->len) ||
           berth_error_set_errno(error, errno, "write %s", name);
}

bool berth_userns_write_maps(pid_t pid, const GArray *uid_ranges, const GArray *gid_ranges,
                             GError **error) {
    return write_map(pid, "uid_map", uid_ranges, error) &&
           write_map(pid, "gid_map", gid_ranges, error);
}

int berth_userns_new(const GArray *uid_ranges, const GArray *gid_ranges, GError **error) {
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    berth_autofd int namespace = -1;

    if (pid == 0)
        for (;;)
            pause();
    if (pid < 0) {
        berth_error_set_errno(error, errno, "make a user namespace");
        return -1;
    }
    g_autofree char *path = g_strdup_printf("/proc/%d/ns/user", (int)pid);
    bool mapped = berth_userns_write_maps(pid, uid_ranges, gid_ranges, error);
    if (mapped && (namespace = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        berth_error_set_errno(error, errno, "open a user namespace");
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return berth_fd_steal(&namespace);
}

bool berth_userns_map(const GArray *ranges, uint32_t inside, uint32_t *outside) {
    for (guint i = 0; i < ranges->len; i++) {
        const BerthPlanRange *range = &g_array_index(ranges, BerthPlanRange, i);
        if (inside >= range->inside && inside - range->inside < range->count) {
            *outside = range->outside + (inside - range->inside);
            return true;
        }
    }
    return false;
}
