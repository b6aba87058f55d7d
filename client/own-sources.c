/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Opens the sources of a configuration's bind mounts, for dist and berth-runtime. The service opens
 * no paths on behalf of its callers: a descriptor proves that the caller can reach the file, and
 * shows who owns it.
 */

#include "client/own-sources.h"

#include "base/fd.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below the limit for a message on the system bus (dbus-daemon(1), max_message_unix_fds). */
enum { MAX_SOURCES = 12 };

/* Opens the source of a bind mount that the service may allow without a privilege: the user's own
 * file or directory, without submounts. -1 for any other mount. */
static int open_own_source(json_object *mount) {
    g_auto(GStrv) options = NULL;
    const char *type = NULL, *source = NULL, *destination = NULL;
    struct stat status;

    if (!berth_document_get_string(mount, "type", &type, NULL) ||
        !berth_document_get_string(mount, "source", &source, NULL) ||
        !berth_document_get_string(mount, "destination", &destination, NULL) ||
        !berth_document_get_strings(mount, "options", &options, NULL) || !source ||
        source[0] != '/' || !destination || destination[0] != '/' || destination[1] == '\0' ||
        strstr(destination, ".."))
        return -1;
    const char *const *words = (const char *const *)options;
    if (words && g_strv_contains(words, "rbind"))
        return -1;
    if (g_strcmp0(type, "bind") != 0 && !(words && g_strv_contains(words, "bind")))
        return -1;
    berth_autofd int fd = open(source, O_PATH | O_CLOEXEC);
    return fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() ? berth_fd_steal(&fd)
                                                                            : -1;
}

int dist_append_own_sources(sd_bus_message *call, json_object *config) {
    json_object *mounts = NULL;
    int count = 0, r = 0;

    /* If the configuration is invalid, the service reports why. */
    if (geteuid() == 0 || !berth_document_get_objects(config, "mounts", &mounts, NULL) || !mounts)
        return 0;
    for (size_t i = 0; r >= 0 && count < MAX_SOURCES && i < json_object_array_length(mounts); i++) {
        json_object *mount = json_object_array_get_idx(mounts, i);
        berth_autofd int fd = open_own_source(mount);
        if (fd < 0)
            continue;
        count++;
        const char *destination =
            json_object_get_string(json_object_object_get(mount, "destination"));
        r = sd_bus_message_append(call, "(hsas)", fd, destination, 0);
    }
    return r < 0 ? r : count;
}
