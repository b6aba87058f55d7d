/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/cgroup-files.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>

static bool write_file(int directory, const char *name, const char *value) {
    berth_autofd int file = openat(directory, name, O_WRONLY | O_CLOEXEC);

    return file >= 0 && berth_fd_write_all(file, value, strlen(value));
}

/* From the root down: a cgroup has the controllers that the one above gives to it. systemd leaves
 * those as they are that it does not know. */
static void enable(int cgroup, const char *controller, unsigned depth) {
    g_autofree char *word = g_strconcat("+", controller, NULL);
    berth_autofd int above = openat(cgroup, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (above < 0 || depth == 0 || faccessat(above, "cgroup.subtree_control", F_OK, 0) < 0)
        return;
    enable(above, controller, depth - 1);
    (void)write_file(above, "cgroup.subtree_control", word);
}

static bool has_controller(int cgroup, const char *controller) {
    berth_autofd int file = openat(cgroup, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
    size_t size;
    g_autofree char *text = file < 0 ? NULL : berth_fd_read_stream(file, 4096, &size, NULL);
    g_auto(GStrv) names = g_strsplit(text ? g_strchomp(text) : "", " ", -1);

    return g_strv_contains((const char *const *)names, controller);
}

static bool write_one(int cgroup, const char *name, const char *value, GError **error) {
    enum { MAX_DEPTH = 32 };
    g_autofree char *controller = g_strndup(name, strcspn(name, "."));

    if (!has_controller(cgroup, controller))
        enable(cgroup, controller, MAX_DEPTH);
    if (!has_controller(cgroup, controller))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "%s: the requested cgroup controller `%s` is not available", name,
                               controller);
    return write_file(cgroup, name, value) ||
           berth_error_set_errno(error, errno, "%s: write \"%s\"", name, value);
}

bool berth_cgroup_files_write(const BerthPlan *plan, int cgroup, GError **error) {
    const GPtrArray *files = plan->cgroup_files;

    if (files->len == 0)
        return true;
    if (cgroup < 0)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "%s: there is no unified hierarchy of cgroups",
                               (const char *)files->pdata[0]);
    for (guint i = 0; i + 1 < files->len; i += 2)
        if (!write_one(cgroup, files->pdata[i], files->pdata[i + 1], error))
            return false;
    return true;
}
