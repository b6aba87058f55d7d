/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Limits that systemd has no property for, written to the scope's cgroup directory. Controllers
 * that are not enabled on the path to it are enabled first. There is no state here: the files
 * disappear with the scope.
 */

#include "launch/cgroup-files.h"

#include "bare/fd.h"
#include "launch/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_CONTROLLER_BYTES = 64, MAX_LIST_BYTES = 4096 };

static bool write_cgroup_file(int directory, const char *name, const char *value) {
    berth_autofd int file = openat(directory, name, O_WRONLY | O_CLOEXEC);

    return file >= 0 && berth_fd_write_all(file, value, strlen(value));
}

/* From the root down, because a cgroup has only the controllers that its parent enables for it.
 * systemd does not change controllers that it does not know. */
static void enable_controller(int cgroup, const char *word, unsigned depth) {
    berth_autofd int above = openat(cgroup, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (above < 0 || depth == 0 || faccessat(above, "cgroup.subtree_control", F_OK, 0) < 0)
        return;
    enable_controller(above, word, depth - 1);
    (void)write_cgroup_file(above, "cgroup.subtree_control", word);
}

static bool has_controller(int cgroup, const char *controller) {
    berth_autofd int file = openat(cgroup, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
    char text[MAX_LIST_BYTES + 1], *rest = NULL;

    if (file < 0 || berth_fd_read_text(file, text, MAX_LIST_BYTES) < 0)
        return false;
    for (char *name = strtok_r(text, " \n", &rest); name; name = strtok_r(NULL, " \n", &rest))
        if (berth_text_is(name, controller))
            return true;
    return false;
}

static bool write_cgroup_value(int cgroup, const BerthPair *file, BerthFault *fault) {
    char word[1 + MAX_CONTROLLER_BYTES];
    const char *controller = word + 1;

    snprintf(word, sizeof word, "+%.*s", (int)strcspn(file->name, "."), file->name);
    if (!has_controller(cgroup, controller))
        enable_controller(cgroup, word, MAX_DEPTH);
    if (!has_controller(cgroup, controller))
        return berth_fault_set(fault, "%s: the requested cgroup controller `%s` is not available",
                               file->name, controller);
    return write_cgroup_file(cgroup, file->name, file->value) ||
           berth_fault_set_errno(fault, errno, "%s: write \"%s\"", file->name, file->value);
}

bool berth_cgroup_files_write(const BerthSetup *setup, int cgroup, BerthFault *fault) {
    const BerthPairs *files = &setup->cgroup_files;

    if (files->count == 0)
        return true;
    if (cgroup < 0)
        return berth_fault_set(fault, "%s: there is no unified cgroup hierarchy",
                               files->pairs[0].name);
    for (uint32_t i = 0; i < files->count; i++)
        if (!write_cgroup_value(cgroup, &files->pairs[i], fault))
            return false;
    return true;
}
