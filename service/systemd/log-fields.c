/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes the files described in log-fields.h. Each is written with a rename, since journald may
 * read it at any time. They are on a tmpfs, so none survives a reboot. There is no state here.
 */

#include "systemd/log-fields.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY "/run/systemd/units"
#define PREFIX "log-extra-fields:"

static char *log_fields_make_path(const char *unit) {
    return g_strconcat(DIRECTORY "/" PREFIX, unit, NULL);
}

/* Each assignment is preceded by its length in little-endian order, as in the files that systemd
 * itself writes. */
bool berth_log_fields_set(const char *unit, const char *const *assignments, GError **error) {
    g_autoptr(GByteArray) data = g_byte_array_new();
    g_autofree char *path = log_fields_make_path(unit);

    for (; *assignments; assignments++) {
        size_t length = strlen(*assignments);
        guint64 size = GUINT64_TO_LE((guint64)length);
        g_byte_array_append(data, (const guint8 *)&size, sizeof size);
        g_byte_array_append(data, (const guint8 *)*assignments, (guint)length);
    }
    /* Only journald reads them, which is root. systemd's own are for everybody, but these name the
     * image of a user's container. */
    return berth_fd_replace(AT_FDCWD, path, data->data, data->len, 0600) ||
           berth_error_set_errno(error, errno, "write %s", path);
}

void berth_log_fields_remove(const char *unit) {
    g_autofree char *path = log_fields_make_path(unit);

    (void)unlink(path);
}

void berth_log_fields_sweep(const char *pattern, BerthUnitNeeded is_needed, void *userdata) {
    g_autoptr(GDir) directory = g_dir_open(DIRECTORY, 0, NULL);
    const char *name;

    while (directory && (name = g_dir_read_name(directory))) {
        const char *unit = name + strlen(PREFIX);
        if (g_str_has_prefix(name, PREFIX) && g_pattern_match_simple(pattern, unit) &&
            !is_needed(unit, userdata))
            berth_log_fields_remove(unit);
    }
}
