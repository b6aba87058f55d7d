/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Descriptors that an engine has left open. Their numbers are recorded before this process opens
 * its log or a connection; those that are not to be passed on are closed before a monitor is
 * started. The list is static and lives from note_inherited() to runtime_inherited_close().
 */

#include "inherited.h"

#include "base/fd.h"

#include <stdlib.h>

/* dbus-daemon passes 16 descriptors in a message; 3 of them are the standard streams. */
enum { MAX_PASSED = 13 };

/* Elements are int; NULL until they have been found. */
static GArray *inherited;

/* Opens /dev/null under this number. */
static bool replace_descriptor(int fd) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null >= 0 && null != fd) {
        (void)dup3(null, fd, O_CLOEXEC);
        (void)close(null);
    }
    return null >= 0;
}

static void note_inherited(void) {
    g_autoptr(GDir) directory = g_dir_open("/proc/self/fd", 0, NULL);
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(int));
    const char *name;

    while (directory && (name = g_dir_read_name(directory))) {
        int fd = atoi(name);
        if (fd > 2)
            g_array_append_val(found, fd);
    }
    g_clear_pointer(&directory, g_dir_close);
    inherited = g_array_new(FALSE, FALSE, sizeof(int));
    /* The descriptor of the directory that was read is closed by now, and is left out. */
    for (guint i = 0; i < found->len; i++) {
        int fd = g_array_index(found, int, i);
        if (fcntl(fd, F_GETFD) >= 0)
            g_array_append_val(inherited, fd);
    }
}

bool runtime_inherited_find(int preserve, uint64_t *preserved, GError **error) {
    const char *listening = g_getenv("LISTEN_FDS");
    guint64 listened = listening ? g_ascii_strtoull(listening, NULL, 10) : 0;
    guint64 count = MAX(listened, (guint64)MAX(preserve, 0));
    unsigned passed = 0;

    note_inherited();
    *preserved = 0;
    for (int i = 0; i < RUNTIME_MAX_PRESERVED && (guint64)i < count; i++) {
        /* For those from systemd only the number counts, as in runc and crun; a missing one becomes
         * /dev/null. */
        if (fcntl(3 + i, F_GETFD) < 0 && ((guint64)i >= listened || !replace_descriptor(3 + i)))
            continue;
        *preserved |= 1ull << i;
        passed++;
    }
    return passed <= MAX_PASSED ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "%u descriptors are to be preserved; at most %d can be", passed,
                           MAX_PASSED);
}

void runtime_inherited_close(uint64_t preserved) {
    for (guint i = 0; inherited && i < inherited->len; i++) {
        int fd = g_array_index(inherited, int, i), bit = fd - 3;
        if (bit >= RUNTIME_MAX_PRESERVED || !(preserved >> bit & 1))
            (void)close(fd);
    }
    g_clear_pointer(&inherited, g_array_unref);
}

/* Readers of a pipe see its end only when nobody holds the other end. */
void runtime_inherited_release(uint64_t preserved) {
    berth_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd < 3 && null >= 0; fd++)
        (void)dup2(null, fd);
    for (int i = 0; i < RUNTIME_MAX_PRESERVED; i++)
        if (preserved >> i & 1)
            (void)close(3 + i);
}
