/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads PID 1's mount table, which the kernel generates without asking any file system: a FUSE
 * server that does not answer cannot block this. There is no state. Mounts can change at any time,
 * so the results only decide what a caller is asked for, and are checked again where they are used.
 */

#include "base/host-mount.h"

#include "bare/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TABLE "/proc/1/mountinfo"

/* Returns the line of a mount without its line break; NULL if there is none. The ID is its first
 * field. */
static char *find_line(uint64_t id) {
    g_autofree char *line = NULL;
    size_t size = 0;
    FILE *mounts = fopen(TABLE, "re");
    bool found = false;

    while (mounts && !found && getline(&line, &size, mounts) >= 0)
        found = g_ascii_strtoull(line, NULL, 10) == id;
    if (mounts)
        fclose(mounts);
    return found ? g_strchomp(g_steal_pointer(&line)) : NULL;
}

/* The kernel versions since which file systems can be idmapped (mount_setattr(2),
 * MOUNT_ATTR_IDMAP). */
static const struct {
    const char *type;
    unsigned major, minor;
} types[] = {
    {"ext4", 5, 12},  {"vfat", 5, 12}, {"xfs", 5, 12},
    {"btrfs", 5, 15}, {"f2fs", 5, 18}, {"tmpfs", 6, 3},
};

/* A line is "ID PARENT DEVICE ROOT PLACE OPTIONS TAG… - TYPE SOURCE OPTIONS". A mount that is
 * already idmapped, such as a home directory of systemd-homed, cannot be mapped again. */
bool berth_host_mount_parse(const char *line, bool (*kernel_is)(unsigned, unsigned)) {
    g_auto(GStrv) fields = g_strsplit(line, " ", -1);
    guint count = g_strv_length(fields), at = 6;

    while (at < count && !g_str_equal(fields[at], "-"))
        at++;
    if (at + 1 >= count)
        return false;
    g_auto(GStrv) options = g_strsplit(fields[5], ",", -1);
    if (g_strv_contains((const char *const *)options, "idmapped"))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_equal(types[i].type, fields[at + 1]))
            return kernel_is(types[i].major, types[i].minor);
    return false;
}

/* Without optional fields, the separator is the seventh field. */
static bool visit_line(char *line, void (*visit)(const BerthHostMount *, void *), void *userdata) {
    g_auto(GStrv) fields = g_strsplit(g_strchomp(line), " ", -1);
    guint count = g_strv_length(fields), at = 6;

    while (at < count && !g_str_equal(fields[at], "-"))
        at++;
    if (at + 2 >= count) {
        errno = EBADMSG;
        return false;
    }
    const BerthHostMount mount = {fields[3], fields[4], fields[at + 1], fields[at + 2]};
    visit(&mount, userdata);
    return true;
}

bool berth_host_mount_visit(void (*visit)(const BerthHostMount *mount, void *userdata),
                            void *userdata, GError **error) {
    g_autofree char *line = NULL;
    size_t size = 0;
    FILE *mounts = fopen(TABLE, "re");
    bool good = mounts != NULL;

    while (good && getline(&line, &size, mounts) >= 0)
        good = visit_line(line, visit, userdata);
    good = good && !ferror(mounts);
    int errnum = errno;
    if (mounts)
        fclose(mounts);
    return good || berth_error_set_errno(error, errnum, "read %s", TABLE);
}

bool berth_host_mount_exists(uint64_t id) {
    g_autofree char *line = find_line(id);

    return line != NULL;
}

bool berth_host_mount_takes_ids(uint64_t id) {
    g_autofree char *line = find_line(id);

    return line && berth_host_mount_parse(line, berth_kernel_is);
}
