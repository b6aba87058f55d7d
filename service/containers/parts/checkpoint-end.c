/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "containers/parts/checkpoint-end.h"

#include "containers/core/state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* In the record's extra: a time in µs. */
#define ENDING_SINCE "CheckpointEndingSince"

static uint64_t usec_of(const struct timespec *time) {
    return (uint64_t)time->tv_sec * G_USEC_PER_SEC + (uint64_t)time->tv_nsec / 1000;
}

/* The time is that of the clock from which files get theirs: a file that is written later is not
 * older. */
bool berth_checkpoint_end_note(BerthContainer *container, GError **error) {
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    berth_container_record_set_extra(&container->record, ENDING_SINCE,
                                     g_variant_new_uint64(usec_of(&now)));
    return berth_container_write(container, NULL, error);
}

void berth_checkpoint_end_forget(BerthContainer *container) {
    berth_container_record_set_extra(&container->record, ENDING_SINCE, NULL);
}

/* When the checkpoint in this directory was completed; 0 if there is none, or it is incomplete. */
static uint64_t find_completed(const BerthContainer *container, const char *name) {
    g_autofree char *path = g_build_filename(container->record.id, name, "inventory.img", NULL);
    struct stat status;

    return fstatat(container->containers->directory, path, &status, AT_SYMLINK_NOFOLLOW) == 0
               ? usec_of(&status.st_mtim)
               : 0;
}

bool berth_checkpoint_end_is_reason(const BerthContainer *container) {
    g_autoptr(GVariant) since =
        berth_container_record_get_extra(&container->record, ENDING_SINCE, G_VARIANT_TYPE_UINT64);

    /* CRIU completes the files before it ends the processes. */
    return since && MAX(find_completed(container, "checkpoint"),
                        find_completed(container, "checkpoint.new")) >= g_variant_get_uint64(since);
}

uint64_t berth_checkpoint_end_find(const BerthContainer *container, bool with_new) {
    uint64_t completed = find_completed(container, "checkpoint");

    return completed == 0 && with_new ? find_completed(container, "checkpoint.new") : completed;
}
