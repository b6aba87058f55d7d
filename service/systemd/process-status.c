/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the files of a process in /proc. The process chooses its name, which is in the middle of
 * one of them, so the fields are found from behind it.
 */

#include "systemd/process-status.h"

#include "base/fd.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Far more than these files have; uid_map(5) has at most 340 lines. */
enum { MAX_PROC_BYTES = 32 * 1024 };

/* Pseudoterminals have these major device numbers (devices.txt of the kernel). */
enum { FIRST_PTY = 136, LAST_PTY = 143 };

static char *status_read_file(pid_t pid, const char *name) {
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);

    return berth_fd_read_file_at(AT_FDCWD, path, MAX_PROC_BYTES);
}

/* The device number as the kernel encodes it: minor 31-20 and 7-0, major 15-8. */
static uint32_t decode_terminal(unsigned device) {
    unsigned major = (device >> 8) & 0xff, minor = (device & 0xff) | ((device >> 12) & 0xfff00);

    return major < FIRST_PTY || major > LAST_PTY ? UINT32_MAX : (major - FIRST_PTY) * 256 + minor;
}

/* The kernel counts from boot, and includes the time that the machine was suspended. */
static uint64_t ticks_to_realtime_usec(uint64_t ticks, uint64_t per_second) {
    struct timespec boot;
    uint64_t now = (uint64_t)g_get_real_time();

    clock_gettime(CLOCK_BOOTTIME, &boot);
    uint64_t up = (uint64_t)boot.tv_sec * G_USEC_PER_SEC + (uint64_t)boot.tv_nsec / 1000;
    uint64_t start = ticks * G_USEC_PER_SEC / per_second;
    return now - (up > start ? up - start : 0);
}

static bool status_parse_stat(BerthProcessStatus *status, const char *text) {
    const char *name = strchr(text, '('), *end = strrchr(text, ')');
    uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK), user, system, start, size;
    long resident;
    unsigned terminal;

    if (!name || !end || end < name ||
        sscanf(end + 1,
               " %1s %u %*d %*d %u %*d %*u %*u %*u %*u %*u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
               " %*d %*d %*d %d %*d %*d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %ld",
               status->state, &status->parent, &terminal, &user, &system, &status->nice, &start,
               &size, &resident) != 9)
        return false;
    g_autofree char *raw = g_strndup(name + 1, (gsize)(end - name - 1));
    for (char *c = raw; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    status->name = g_utf8_make_valid(raw, -1);
    status->terminal = decode_terminal(terminal);
    status->cpu_usec = (user + system) * G_USEC_PER_SEC / per_second;
    status->started_usec = ticks_to_realtime_usec(start, per_second);
    status->virtual_bytes = size;
    status->resident_bytes = (uint64_t)MAX(resident, 0) * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

/* The rest of the line that begins with this word; NULL if there is none. */
static const char *find_line(const char *text, const char *word) {
    g_autofree char *start = g_strconcat("\n", word, NULL);
    const char *found = strstr(text, start);

    return found ? found + strlen(start) : NULL;
}

/* The user in the process's namespace: each line maps a range, "FIRST-INSIDE FIRST-OUTSIDE COUNT".
 */
static uint32_t map_user(const char *map, uint32_t user) {
    uint32_t inside, outside, count;
    int length;

    for (; sscanf(map, "%u %u %u%n", &inside, &outside, &count, &length) == 3; map += length)
        if (user >= outside && user - outside < count)
            return inside + (user - outside);
    return UINT32_MAX;
}

bool berth_process_status_read(pid_t pid, BerthProcessStatus *ret_status) {
    g_autofree char *stat = status_read_file(pid, "stat");
    g_autofree char *lines = status_read_file(pid, "status");
    g_autofree char *map = status_read_file(pid, "uid_map");
    const char *pids = lines ? find_line(lines, "NSpid:") : NULL;
    const char *users = lines ? find_line(lines, "Uid:") : NULL;
    BerthProcessStatus status = {.inner_uid = UINT32_MAX};
    uint32_t user;

    if (!stat || !status_parse_stat(&status, stat))
        return false;
    status.inner_pid = (uint32_t)pid;
    /* "NSpid: HOST INNER …", "Uid: REAL EFFECTIVE …"; a line with one pid leaves that. */
    if (pids)
        (void)sscanf(pids, "%*u%*[ \t]%u", &status.inner_pid);
    if (map && users && sscanf(users, "%*u %u", &user) == 1)
        status.inner_uid = map_user(map, user);
    *ret_status = status;
    return true;
}

void berth_process_status_clear(BerthProcessStatus *status) {
    g_clear_pointer(&status->name, g_free);
}
