/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads and writes the documents in networks/. connection.c determines what is in them and who
 * holds which lock. There is no state here.
 */

#include "network/state.h"

#include "base/document.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { MAX_BYTES = 1024 * 1024, LOCKS = 64 };

json_object *berth_network_state_read(int networks, const char *name, GError **error) {
    json_object *state = berth_document_read(networks, name, MAX_BYTES, error);

    if (!state)
        g_prefix_error(error, "networks: ");
    return state;
}

bool berth_network_state_write(int networks, const char *name, json_object *state, bool synced,
                               GError **error) {
    g_autofree char *text = berth_document_print(state, false);

    return (synced ? berth_fd_replace_synced : berth_fd_replace)(networks, name, text, strlen(text),
                                                                 0600) ||
           berth_error_set_errno(error, errno, "write networks/%s", name);
}

static int lock_file(int networks, const char *name, GError **error) {
    berth_autofd int file = openat(networks, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (file < 0 || flock(file, LOCK_EX) < 0) {
        berth_error_set_errno(error, errno, "lock networks/%s", name);
        return -1;
    }
    return berth_fd_steal(&file);
}

/* Containers share a fixed number of lock files, which are never removed. */
int berth_network_lock_container(int networks, const char *id, GError **error) {
    g_autofree char *name = g_strdup_printf(".lock-%u", g_str_hash(id) % LOCKS);

    return lock_file(networks, name, error);
}

int berth_network_lock_bridges(int networks, GError **error) {
    return lock_file(networks, ".lock-bridges", error);
}
