/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A run is recorded before the process receives the go-ahead to execute the command. If the service
 * is killed between the two, berth-launch exits with a status that could also be the command's. A
 * file that it writes before that, with its pid, shows the difference; clients may then start the
 * container again without executing a command twice. The state is the file, until the exit is
 * recorded, and a member of the record's extra after that.
 */

#include "containers/core/unreleased.h"

#include "bare/launch-protocol.h"
#include "base/fd.h"

#include <stdlib.h>

/* In the record's extra: set if the last run never began. */
#define UNRELEASED "Unreleased"

/* The file of an earlier start may still be there: only the pid shows whose it is. */
static bool take_file(const BerthContainer *container) {
    const BerthContainers *containers = container->containers;
    g_autofree char *path =
        g_build_filename(container->record.id, BERTH_LAUNCH_UNRELEASED_FILE, NULL);
    berth_autofd int file =
        openat(containers->directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[16];

    if (file < 0 || berth_fd_read_text(file, text, sizeof text - 1) < 0)
        return false;
    (void)unlinkat(containers->directory, path, 0);
    return strtoul(text, NULL, 10) == container->record.first.pid;
}

bool berth_container_note_unreleased(BerthContainer *container, int status) {
    /* If the service itself has refused the go-ahead, the start says why. */
    if (container->first->start || status != BERTH_EXIT_LAUNCH || !take_file(container))
        return false;
    berth_container_record_set_extra(&container->record, UNRELEASED, g_variant_new_boolean(true));
    return true;
}

void berth_container_forget_unreleased(BerthContainer *container) {
    if (container->record.extra && g_variant_lookup(container->record.extra, UNRELEASED, "b", NULL))
        berth_container_record_set_extra(&container->record, UNRELEASED, NULL);
}

bool berth_process_check_released(const BerthProcess *process, GError **error) {
    const BerthContainerRecord *record = &process->container->record;
    g_autoptr(GVariant) unreleased =
        process->kind == BERTH_PROCESS_FIRST
            ? berth_container_record_get_extra(record, UNRELEASED, G_VARIANT_TYPE_BOOLEAN)
            : NULL;

    return !unreleased ||
           berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED,
                           "the service ended before the command of container \"%s\" ran; start it "
                           "again",
                           record->id);
}
