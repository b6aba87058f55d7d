/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checkpoints: berth-checkpoint lets CRIU write the processes of a container to disk. It runs as a
 * helper (helper.h). The container's slot here is set while it does, and nothing may change in the
 * container. The Checkpoint object lives until its caller has been answered. Restoring is a special
 * kind of start (core/start.c).
 */

#include "containers/parts/checkpoint.h"

#include "base/fd.h"
#include "base/log.h"
#include "containers/core/launch.h"
#include "containers/core/process.h"
#include "containers/core/secrets.h"
#include "containers/core/start.h"
#include "containers/core/state.h"
#include "containers/parts/checkpoint-end.h"
#include "containers/parts/helper.h"

typedef struct {
    BerthContainers *containers;
    char *id;
    bool leave_running;
    BerthContainerDone done;
    void *userdata;
} Checkpoint;

static bool is_checkpointing(const BerthContainer *container) {
    return *berth_container_slot(container, &berth_checkpoint_part) != NULL;
}

static void finish_checkpoint(Checkpoint *checkpoint, const GError *error) {
    checkpoint->done(error, checkpoint->userdata);
    g_free(checkpoint->id);
    g_free(checkpoint);
}

/* Unless leave_running is set, the dump ends the processes. The caller is answered once that is
 * recorded. */
static void checkpoint_on_exited(int status, uint64_t exited_usec, const GError *error,
                                 void *userdata) {
    (void)status;
    (void)exited_usec;
    (void)error;
    finish_checkpoint(userdata, NULL);
}

static void on_written(const GError *failure, void *userdata) {
    Checkpoint *checkpoint = userdata;
    BerthContainer *container = berth_containers_find(checkpoint->containers, checkpoint->id, NULL);
    g_autoptr(GError) error = NULL;

    if (container)
        *berth_container_slot(container, &berth_checkpoint_part) = NULL;
    if (failure) {
        /* The checkpoint failed, and the container continues to run as before. */
        if (container && berth_container_is_running(container)) {
            berth_checkpoint_end_forget(container);
            berth_container_write(container, NULL, NULL);
        }
        finish_checkpoint(checkpoint, failure);
        return;
    }
    if (!container || !berth_container_write(container, "checkpoint", &error)) {
        finish_checkpoint(checkpoint, error);
        return;
    }
    berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_CHECKPOINTED, "BERTH_CONTAINER", checkpoint->id,
              "Checkpoint of container %s written", checkpoint->id);
    if (checkpoint->leave_running)
        finish_checkpoint(checkpoint, NULL);
    else
        berth_container_wait(container, "", checkpoint_on_exited, checkpoint);
}

uint64_t berth_checkpoint_find(const BerthContainer *container) {
    /* A complete checkpoint is valid even if berth-checkpoint was killed before it could rename
     * it. */
    return berth_checkpoint_end_find(container, !is_checkpointing(container));
}

/* Only serves to refuse early and clearly: berth-checkpoint looks for the program itself. */
static bool is_installed(void) {
    static const char *const directories[] = {"/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin"};

    for (size_t i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *path = g_build_filename(directories[i], "criu", NULL);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

static bool check_criu(GError **error) {
    return is_installed() ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           "checkpoints need CRIU, which is not installed; install the package "
                           "\"criu\"");
}

static bool check_checkpoint(const BerthContainer *container, bool leave_running, GError **error) {
    const BerthContainerRecord *record = &container->record;

    if (!berth_container_check_running(container, error))
        return false;
    if (berth_container_is_with_caller(container))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "container \"%s\" is in its caller's cgroup, and cannot be "
                               "checkpointed",
                               record->id);
    /* A checkpoint includes the contents of each tmpfs, and is stored on disk, where secrets must
     * never be. The container may still have secrets that the service has lost. */
    if (berth_secrets_has(container))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "container \"%s\" has secrets, and cannot be checkpointed",
                               record->id);
    if (record->state == BERTH_CONTAINER_PAUSED)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is paused; resume it first", record->id);
    if (!berth_container_check_not_starting(container, error))
        return false;
    if (berth_container_has_executed(container))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "processes were executed in container \"%s\"; wait for their end",
                               record->id);
    if (record->auto_remove && !leave_running)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is deleted with its checkpoint when it ends; "
                               "leave it running",
                               record->id);
    return berth_parts_permit(container, BERTH_ACTION_CHECKPOINT, error) && check_criu(error);
}

void berth_container_checkpoint(BerthContainer *container, bool leave_running,
                                BerthContainerDone done, void *userdata) {
    g_autoptr(GError) error = NULL;

    if (!check_checkpoint(container, leave_running, &error)) {
        done(error, userdata);
        return;
    }
    berth_autofd int program = berth_launcher_open_program("berth-checkpoint", &error);
    const BerthLaunchRequest request = {
        .program = program,
        .name = "berth-checkpoint",
        .mode = "dump",
        .arguments = {leave_running ? "go-on" : "end", "-"},
        .input = -1,
        .output = STDERR_FILENO,
        .error = STDERR_FILENO,
        .words = "checkpoint",
        .target = -1,
        .snapshots = container->first->pidfd,
        BERTH_LAUNCH_NO_DESCRIPTORS,
    };
    Checkpoint *checkpoint = g_new0(Checkpoint, 1);

    *checkpoint = (Checkpoint){container->containers, g_strdup(container->record.id), leave_running,
                               done, userdata};
    *berth_container_slot(container, &berth_checkpoint_part) = checkpoint;
    /* The container will end when the checkpoint is written, which is no reason to restart it. */
    if (program < 0 || (!leave_running && !berth_checkpoint_end_note(container, &error)) ||
        !berth_helper_start(container, &request, "checkpointed", on_written, checkpoint, &error))
        on_written(error, checkpoint);
}

static bool check_restore(const BerthContainer *container, const BerthContainerStreams *streams,
                          GError **error) {
    if (streams->count > 0)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a restored container keeps its descriptors; only the standard "
                               "descriptors are replaced");
    if (!berth_start_check(container, error))
        return false;
    if (berth_checkpoint_find(container) == 0)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND, "container \"%s\" has no checkpoint",
                               container->record.id);
    return check_criu(error);
}

void berth_container_restore(BerthContainer *container, const BerthContainerStreams *streams,
                             BerthContainerDone done, void *userdata) {
    berth_autofd int program = -1;
    g_autoptr(GError) error = NULL;

    if (check_restore(container, streams, &error) &&
        (program = berth_launcher_open_program("berth-checkpoint", &error)) >= 0)
        berth_start_restore(container, program, streams, done, userdata);
    else
        done(error, userdata);
}

/* All other actions are refused while any helper is at work (helper.c). */
static bool checkpoint_permits(const BerthContainer *container, BerthAction action,
                               GError **error) {
    return (action != BERTH_ACTION_EXEC && action != BERTH_ACTION_PAUSE) ||
           !is_checkpointing(container) ||
           berth_error_set(error, BERTH_ERROR_BUSY,
                           "container \"%s\" is being checkpointed; wait for it",
                           container->record.id);
}

static bool checkpoint_recording(BerthContainer *container, GError **error) {
    (void)error;
    berth_checkpoint_end_forget(container);
    return true;
}

const BerthPart berth_checkpoint_part = {
    .name = "checkpoint",
    .recording = checkpoint_recording,
    .permits = checkpoint_permits,
};
