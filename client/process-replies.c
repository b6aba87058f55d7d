/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the service's replies to Create, Start, Exec and Wait, for verbs that wait for a process in
 * the foreground and for those that do not.
 */

#include "client/process-replies.h"

#include "client/bus.h"

#include <inttypes.h>

DistCreation dist_creation_read(sd_bus_message *reply, GError **error) {
    if (dist_check_reply(reply, error))
        return DIST_CREATION_DONE;
    return dist_reply_was_lost(reply) ? DIST_CREATION_LOST : DIST_CREATION_REFUSED;
}

/* Written atomically: a program that waits for the file reads it as soon as it exists. */
bool dist_write_pid_file(uint32_t pid, const char *file, GError **error) {
    g_autofree char *text = g_strdup_printf("%" PRIu32 "\n", pid);

    return !file ||
           g_file_set_contents_full(file, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, error);
}

bool dist_write_pid(sd_bus_message *reply, const char *file, GError **error) {
    uint32_t pid;
    int r;

    if (!file)
        return true;
    if ((r = sd_bus_message_read(reply, "u", &pid)) < 0)
        return dist_bad_reply(r, error), false;
    return dist_write_pid_file(pid, file, error);
}

int dist_read_status(sd_bus_message *reply, const char *id, GError **error) {
    uint64_t exited;
    int32_t status;
    int r = sd_bus_message_read(reply, "it", &status, &exited);

    if (r < 0) {
        dist_bad_reply(r, error);
        return DIST_EXIT_BERTH;
    }
    if (status < 0) {
        berth_error_set(error, BERTH_ERROR_INTERNAL, _("the exit status of %s is unknown"), id);
        return DIST_EXIT_BERTH;
    }
    return status;
}
