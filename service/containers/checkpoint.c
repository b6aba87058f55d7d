/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checkpoints: what runs in a container is written to disk by berth-checkpoint, which has CRIU do
 * it. Bringing it back is a kind of start; start.c. */

#include "base/fd.h"
#include "base/log.h"
#include "containers/container-private.h"

#include <sys/stat.h>

typedef struct {
    BerthContainers *containers;
    char *id;
    bool wanted, leave_running;
    BerthContainerDone done;
    void *userdata;
} Checkpoint;

static void finish(Checkpoint *checkpoint, const GError *error) {
    checkpoint->done(error, checkpoint->userdata);
    g_free(checkpoint->id);
    g_free(checkpoint);
}

static void on_exited(int status, uint64_t exited_usec, const GError *error, void *userdata) {
    (void)status;
    (void)exited_usec;
    (void)error;
    finish(userdata, NULL);
}

static void on_written(const GError *failure, void *userdata) {
    Checkpoint *checkpoint = userdata;
    BerthContainer *container = berth_containers_find(checkpoint->containers, checkpoint->id, NULL);
    g_autoptr(GError) error = NULL;

    if (container)
        container->checkpointing = false;
    if (failure) {
        /* It goes on as it was. */
        if (container && berth_container_is_running(container)) {
            container->record.wanted = checkpoint->wanted;
            berth_container_change(container, NULL, NULL);
        }
        finish(checkpoint, failure);
        return;
    }
    if (!container || !berth_container_change(container, "checkpoint", &error)) {
        finish(checkpoint, error);
        return;
    }
    berth_log(LOG_INFO, BERTH_MESSAGE_CONTAINER_CHECKPOINTED, "BERTH_CONTAINER", checkpoint->id,
              "Checkpoint of container %s written", checkpoint->id);
    if (checkpoint->leave_running)
        finish(checkpoint, NULL);
    else
        berth_container_wait(container, "", on_exited, checkpoint);
}

bool berth_container_check_whole(const BerthContainer *container, GError **error) {
    return !container->checkpointing ||
           berth_error_set(error, BERTH_ERROR_BUSY,
                           "container \"%s\" is being checkpointed; wait for it",
                           container->record.id);
}

uint64_t berth_checkpoint_find(const BerthContainer *container) {
    /* A whole one whose writer was killed before it renamed it counts, too. */
    static const char *const names[] = {"checkpoint", "checkpoint.new"};
    struct stat status;

    for (size_t i = 0; i < (container->checkpointing ? 1 : G_N_ELEMENTS(names)); i++) {
        g_autofree char *path =
            g_build_filename(container->record.id, names[i], "inventory.img", NULL);
        if (fstatat(container->containers->directory, path, &status, AT_SYMLINK_NOFOLLOW) == 0)
            return (uint64_t)status.st_mtim.tv_sec * G_USEC_PER_SEC +
                   (uint64_t)status.st_mtim.tv_nsec / 1000;
    }
    return 0;
}

static bool is_installed(void) {
    static const char *const directories[] = {"/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin"};

    for (size_t i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *path = g_build_filename(directories[i], "criu", NULL);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

bool berth_checkpoint_check_criu(GError **error) {
    return is_installed() ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           "checkpoints need CRIU, which is not installed; install the package "
                           "\"criu\"");
}

static bool has_other_processes(const BerthContainer *container) {
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, container->processes);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        if (((BerthProcess *)value)->record->running)
            return true;
    return false;
}

static bool check(const BerthContainer *container, bool leave_running, GError **error) {
    const BerthContainerRecord *record = &container->record;

    if (!berth_container_check_running(container, error))
        return false;
    if (record->state == BERTH_CONTAINER_PAUSED)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is paused; resume it first", record->id);
    if (container->first->launch)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is being started", record->id);
    if (has_other_processes(container))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "processes were executed in container \"%s\"; wait for their end",
                               record->id);
    if (record->auto_remove && !leave_running)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "container \"%s\" is removed when it ends, and its checkpoint with "
                               "it; leave it running",
                               record->id);
    return berth_container_check_idle(container, error) && berth_checkpoint_check_criu(error);
}

void berth_container_checkpoint(BerthContainer *container, bool leave_running,
                                BerthContainerDone done, void *userdata) {
    g_autoptr(GError) error = NULL;

    if (!check(container, leave_running, &error)) {
        done(error, userdata);
        return;
    }
    berth_autofd int program = berth_launch_open_program("berth-checkpoint", &error);
    const BerthLaunchRequest request = {
        .program = program,
        .name = "berth-checkpoint",
        .mode = "dump",
        .arguments = {leave_running ? "go-on" : "end", "-"},
        .input = -1,
        .output = STDERR_FILENO,
        .error = STDERR_FILENO,
        .target = -1,
        .snapshots = container->first->pidfd,
    };
    Checkpoint *checkpoint = g_new0(Checkpoint, 1);

    *checkpoint = (Checkpoint){container->containers,
                               g_strdup(container->record.id),
                               container->record.wanted,
                               leave_running,
                               done,
                               userdata};
    /* It ends when it is written: no reason to start it again, even if the service does not live
     * to see it. */
    if (!leave_running)
        berth_container_forbid_restart(container);
    container->checkpointing = true;
    if (program < 0 ||
        !berth_helper_start(container, &request, "checkpointed", on_written, checkpoint, &error))
        on_written(error, checkpoint);
}
