/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads and writes the files of a container's cgroups. There is no state here: each call finds the
 * cgroup again through /proc/PID/cgroup, since a container may move its processes to its own
 * cgroups below the unit's. The file names are those of cgroup-v2.rst and cgroup-v1/ in the
 * kernel's documentation.
 */

#include "systemd/cgroup.h"

#include "bare/cgroup-lines.h"
#include "base/directory.h"
#include "base/fd.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"

enum {
    MAX_FILE_BYTES = 1024 * 1024,
    MAX_DEPTH = 16,
    MAX_CGROUPS = 4096, /* a container may create many, and reading them must not take long */
    MAX_PROCESSES = 65536
};

/* The process may end at any time, so NULL is treated like a missing file. */
static char *cgroup_read_proc(pid_t pid, const char *name) {
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);

    return berth_fd_read_file_at(AT_FDCWD, path, MAX_FILE_BYTES);
}

/* v1 controllers can be mounted together, as in "cpu,cpuacct" (cgroups(7), /proc/PID/cgroup). */
static bool cgroup_has_controller(const char *list, const char *controller) {
    g_auto(GStrv) names = g_strsplit(list, ",", -1);

    return g_strv_contains((const char *const *)names, controller);
}

/* Opens a cgroup by its path; it does not matter where its processes have been moved. */
static int cgroup_open_path(const char *path, const char *controller) {
    const char *const roots[] = {controller[0] ? controller : "unified", ""};

    for (size_t i = 0; i < (controller[0] ? 1 : G_N_ELEMENTS(roots)); i++) {
        g_autofree char *directory = g_strconcat(CGROUPS "/", roots[i], path, NULL);
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

/* The part of path up to the unit, because a container may have created cgroups below it. */
static char *cgroup_cut_below_unit(const char *path, const char *unit) {
    g_autofree char *component = g_strconcat("/", unit, NULL);
    const char *found = strstr(path, component);

    return found ? g_strndup(path, (gsize)(found - path) + strlen(component)) : NULL;
}

/* The unit's directory in the hierarchy of a v1 controller or, if controller is "", in that of v2,
 * which is mounted at the top or, on a hybrid system, at unified/. */
static int cgroup_open(pid_t pid, const char *unit, const char *controller) {
    if (unit[0] == '/')
        return cgroup_open_path(unit, controller);
    g_autofree char *text = cgroup_read_proc(pid, "cgroup");
    char *rest = text;
    BerthCgroupLine line;

    while (rest && berth_cgroup_next_line(&rest, &line)) {
        if (controller[0] ? !cgroup_has_controller(line.controllers, controller)
                          : line.controllers[0] != '\0')
            continue;
        g_autofree char *path = cgroup_cut_below_unit(line.path, unit);
        if (!path)
            return -1;
        const char *const roots[] = {controller[0] ? controller : "unified", line.controllers};
        for (size_t i = 0; i < G_N_ELEMENTS(roots); i++) {
            g_autofree char *directory = g_strconcat(CGROUPS "/", roots[i], path, NULL);
            int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (fd >= 0)
                return fd;
        }
    }
    return -1;
}

char *berth_cgroup_get_path(pid_t pid, const char *unit) {
    if (unit[0] == '/')
        return g_strdup(unit);
    g_autofree char *text = cgroup_read_proc(pid, "cgroup");
    char *rest = text;
    BerthCgroupLine line;

    while (rest && berth_cgroup_next_line(&rest, &line)) {
        bool units = line.controllers[0] == '\0' || g_str_equal(line.controllers, "name=systemd");
        char *path = units ? cgroup_cut_below_unit(line.path, unit) : NULL;
        /* Both hierarchies may exist, of which systemd uses one for units. */
        if (path)
            return path;
    }
    return NULL;
}

/* In v2, "max" means "no limit" (cgroup-v2.rst, "Conventions"). */
static uint64_t cgroup_parse_number(const char *text) {
    return g_str_has_prefix(text, "max") ? UINT64_MAX : g_ascii_strtoull(text, NULL, 10);
}

static uint64_t cgroup_read_number(int directory, const char *name) {
    g_autofree char *text =
        directory < 0 ? NULL : berth_fd_read_file_at(directory, name, MAX_FILE_BYTES);

    return text ? cgroup_parse_number(text) : 0;
}

/* Reads a value from a file of "KEY VALUE" lines. */
static uint64_t cgroup_read_value(int directory, const char *name, const char *key) {
    g_autofree char *text =
        directory < 0 ? NULL : berth_fd_read_file_at(directory, name, MAX_FILE_BYTES);
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    size_t length = strlen(key);

    for (char **line = lines; *line; line++)
        if (strncmp(*line, key, length) == 0 && (*line)[length] == ' ')
            return cgroup_parse_number(*line + length + 1);
    return 0;
}

/* Sums up, over all devices, the numbers that follow a word: " rbytes=" in v2, " Read " in v1.
 * UINT64_MAX if there is no such file, which is empty as long as nothing has been read. */
static uint64_t cgroup_sum_after(int directory, const char *name, const char *word) {
    g_autofree char *text =
        directory < 0 ? NULL : berth_fd_read_file_at(directory, name, MAX_FILE_BYTES);
    uint64_t sum = 0;

    if (!text)
        return UINT64_MAX;
    for (char *at = strstr(text, word); at; at = strstr(at + 1, word))
        sum += cgroup_parse_number(at + strlen(word));
    return sum;
}

/* On a hybrid system a controller is attached to only one hierarchy, so a v1 memory controller, if
 * there is one, is decisive. */
uint64_t berth_cgroup_count_oom_kills(pid_t pid, const char *unit) {
    berth_autofd int memory = cgroup_open(pid, unit, "memory");
    berth_autofd int unified = memory >= 0 ? -1 : cgroup_open(pid, unit, "");

    return memory >= 0 ? cgroup_read_value(memory, "memory.oom_control", "oom_kill")
                       : cgroup_read_value(unified, "memory.events", "oom_kill");
}

static void cgroup_read_version_2(int unified, BerthCgroupStats *stats) {
    stats->memory_bytes = cgroup_read_number(unified, "memory.current");
    stats->memory_peak_bytes = cgroup_read_number(unified, "memory.peak");
    stats->memory_max_bytes = cgroup_read_number(unified, "memory.max");
    stats->cpu_usec = cgroup_read_value(unified, "cpu.stat", "usage_usec");
    stats->cpu_user_usec = cgroup_read_value(unified, "cpu.stat", "user_usec");
    stats->cpu_system_usec = cgroup_read_value(unified, "cpu.stat", "system_usec");
    stats->tasks = cgroup_read_number(unified, "pids.current");
    stats->tasks_max = cgroup_read_number(unified, "pids.max");
    stats->read_bytes = cgroup_sum_after(unified, "io.stat", " rbytes=");
    stats->written_bytes = cgroup_sum_after(unified, "io.stat", " wbytes=");
}

/* Overrides the statistics of controllers that are attached to v1; the others keep their v2 values.
 * cpuacct counts in nanoseconds (cgroup-v1/cpuacct.rst). */
static void cgroup_read_version_1(pid_t pid, const char *unit, BerthCgroupStats *stats) {
    berth_autofd int memory = cgroup_open(pid, unit, "memory");
    berth_autofd int cpu = cgroup_open(pid, unit, "cpuacct");
    berth_autofd int pids = cgroup_open(pid, unit, "pids");
    berth_autofd int block = cgroup_open(pid, unit, "blkio");

    if (memory >= 0) {
        stats->memory_bytes = cgroup_read_number(memory, "memory.usage_in_bytes");
        stats->memory_peak_bytes = cgroup_read_number(memory, "memory.max_usage_in_bytes");
        stats->memory_max_bytes = cgroup_read_number(memory, "memory.limit_in_bytes");
        /* "No limit" is reported as the largest multiple of the page size. */
        if (stats->memory_max_bytes > INT64_MAX - 65536)
            stats->memory_max_bytes = UINT64_MAX;
    }
    if (cpu >= 0) {
        stats->cpu_usec = cgroup_read_number(cpu, "cpuacct.usage") / 1000;
        stats->cpu_user_usec = cgroup_read_number(cpu, "cpuacct.usage_user") / 1000;
        stats->cpu_system_usec = cgroup_read_number(cpu, "cpuacct.usage_sys") / 1000;
    }
    if (pids >= 0) {
        stats->tasks = cgroup_read_number(pids, "pids.current");
        stats->tasks_max = cgroup_read_number(pids, "pids.max");
    }
    if (block >= 0) {
        stats->read_bytes = cgroup_sum_after(block, "blkio.throttle.io_service_bytes", " Read ");
        stats->written_bytes =
            cgroup_sum_after(block, "blkio.throttle.io_service_bytes", " Write ");
    }
}

/* In /proc/PID/net/dev (proc(5)), bytes received are in the first column, bytes sent in the
 * ninth. */
static void cgroup_read_network(pid_t pid, BerthCgroupStats *stats) {
    g_autofree char *text = cgroup_read_proc(pid, "net/dev");
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

    for (char **line = lines; *line; line++) {
        char *colon = strchr(*line, ':');
        unsigned long long in, out;
        if (!colon || g_str_has_prefix(g_strchug(*line), "lo:"))
            continue;
        if (sscanf(strchr(*line, ':') + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &in, &out) ==
            2) {
            stats->received_bytes += in;
            stats->sent_bytes += out;
        }
    }
}

void berth_cgroup_read_stats(pid_t pid, const char *unit, BerthCgroupStats *stats) {
    berth_autofd int unified = cgroup_open(pid, unit, "");

    *stats = (BerthCgroupStats){0};
    cgroup_read_version_2(unified, stats);
    cgroup_read_version_1(pid, unit, stats);
    cgroup_read_network(pid, stats);
    stats->oom_kills = berth_cgroup_count_oom_kills(pid, unit);
    /* Without the pids controller, the processes are counted. */
    if (stats->tasks == 0) {
        g_autoptr(GArray) processes = berth_cgroup_list_processes(pid, unit);
        stats->tasks = processes->len;
    }
}

/* For v2 files that have no counterpart in v1. Returns false if there is no v2 hierarchy. */
static bool cgroup_write_file(pid_t pid, const char *unit, const char *name, const char *value) {
    berth_autofd int unified = cgroup_open(pid, unit, "");
    berth_autofd int file = unified < 0 ? -1 : openat(unified, name, O_WRONLY | O_CLOEXEC);

    return file >= 0 && berth_fd_write_all(file, value, strlen(value));
}

bool berth_cgroup_kill(pid_t pid, const char *unit) {
    return cgroup_write_file(pid, unit, "cgroup.kill", "1");
}

bool berth_cgroup_freeze(pid_t pid, const char *unit, bool frozen) {
    return cgroup_write_file(pid, unit, "cgroup.freeze", frozen ? "1" : "0");
}

bool berth_cgroup_read_frozen(pid_t pid, const char *unit, bool *frozen) {
    berth_autofd int unified = cgroup_open(pid, unit, "");
    g_autofree char *text =
        unified < 0 ? NULL : berth_fd_read_file_at(unified, "cgroup.freeze", MAX_FILE_BYTES);

    if (!text)
        return false;
    *frozen = text[0] == '1' || berth_cgroup_is_frozen_above(pid, unit);
    return true;
}

/* The root of the hierarchy has no such file. */
bool berth_cgroup_is_frozen_above(pid_t pid, const char *unit) {
    g_autofree char *path = berth_cgroup_get_path(pid, unit);
    bool frozen = false;

    for (char *slash; !frozen && path && (slash = strrchr(path, '/')) && slash != path;) {
        *slash = '\0';
        berth_autofd int above = cgroup_open_path(path, "");
        g_autofree char *text =
            above < 0 ? NULL : berth_fd_read_file_at(above, "cgroup.freeze", MAX_FILE_BYTES);
        frozen = text && text[0] == '1';
    }
    return frozen;
}

int berth_cgroup_open_events(pid_t pid, const char *unit) {
    berth_autofd int unified = cgroup_open(pid, unit, "");

    return unified < 0 ? -1 : openat(unified, "cgroup.events", O_PATH | O_CLOEXEC);
}

/* A container may create any number of cgroups below its own, at any depth, so both are limited. A
 * cgroup that disappears meanwhile is skipped. */
static void cgroup_add_processes(int directory, unsigned depth, unsigned *left, GArray *list) {
    g_autofree char *text = berth_fd_read_file_at(directory, "cgroup.procs", MAX_FILE_BYTES);
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);

    for (char **line = lines; *line && list->len < MAX_PROCESSES; line++) {
        pid_t pid = (pid_t)g_ascii_strtoll(*line, NULL, 10);
        if (pid > 0)
            g_array_append_val(list, pid);
    }
    berth_autolist DIR *entries = berth_directory_list(directory);
    for (struct dirent *entry;
         *left > 0 && entries && depth < MAX_DEPTH && (entry = readdir(entries));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        (*left)--;
        berth_autofd int below =
            openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0)
            cgroup_add_processes(below, depth + 1, left, list);
    }
}

GArray *berth_cgroup_list_processes(pid_t pid, const char *unit) {
    berth_autofd int unified = cgroup_open(pid, unit, "");
    GArray *list = g_array_new(FALSE, FALSE, sizeof(pid_t));
    unsigned left = MAX_CGROUPS;

    if (unified >= 0)
        cgroup_add_processes(unified, 0, &left, list);
    return list;
}

/* The kernel signals a registered eventfd (cgroup-v1/memory.rst, OOM Control). */
static int cgroup_watch_version_1(int memory) {
    berth_autofd int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    berth_autofd int control = openat(memory, "memory.oom_control", O_RDONLY | O_CLOEXEC);
    berth_autofd int registry = openat(memory, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
    g_autofree char *line = g_strdup_printf("%d %d", event, control);

    if (event < 0 || control < 0 || registry < 0 ||
        !berth_fd_write_all(registry, line, strlen(line)))
        return -1;
    return berth_fd_steal(&event);
}

/* In v2 the kernel reports each change of memory.events as a modification of the file
 * (cgroup-v2.rst, "Memory Interface Files"). inotify only accepts a path, so the file is named
 * through the descriptor of its directory. */
int berth_cgroup_watch_oom(pid_t pid, const char *unit) {
    berth_autofd int memory = cgroup_open(pid, unit, "memory");
    berth_autofd int unified = cgroup_open(pid, unit, "");
    berth_autofd int notify = -1;

    if (memory >= 0)
        return cgroup_watch_version_1(memory);
    if (unified < 0 || (notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) < 0)
        return -1;
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d/memory.events", unified);
    if (inotify_add_watch(notify, path, IN_MODIFY) < 0)
        return -1;
    return berth_fd_steal(&notify);
}

/* Through pidfds: a pid in the list may have been reused meanwhile, by a process that is in another
 * cgroup. */
void berth_cgroup_signal(pid_t pid, const char *unit, int signal) {
    g_autoptr(GArray) processes = berth_cgroup_list_processes(pid, unit);

    for (guint i = 0; i < processes->len; i++) {
        pid_t process = g_array_index(processes, pid_t, i);
        berth_autofd int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
        if (pidfd >= 0 && berth_pid_is_in_unit(process, unit))
            syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
    }
}
