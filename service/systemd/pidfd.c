/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stateless helpers around pidfds. There are three sources for an exit status: waitid(2) for a
 * child, PIDFD_GET_INFO since Linux 6.15 and, on older kernels, /proc/PID/stat as long as the
 * process is a zombie (see also exits.h).
 */

#include "systemd/pidfd.h"

#include "bare/kernel.h"
#include "base/fd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

/* PIDFD_GET_INFO of Linux 6.13 with the exit code of 6.15 (linux/pidfd.h), which the headers of
 * Debian 12 lack. */
struct exit_info {
    uint64_t mask;
    uint64_t cgroup_id;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
    uint64_t unused;
};
#define GET_INFO _IOWR(0xFF, 11, struct exit_info)
#define INFO_EXIT (1u << 3)

enum { MAX_COMMAND = 4096 };

/* PID_FS_MAGIC of Linux 6.9 (linux/magic.h). */
#define PID_FS 0x50494446

int berth_status_of_wait(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

bool berth_pidfd_reports_exits(void) {
    /* Tests set the variable to exercise the paths of older kernels. */
    return !g_getenv("BERTH_NO_PIDFD_INFO") && berth_kernel_is(6, 15);
}

uint64_t berth_pidfd_get_id(int pidfd) {
    struct statfs file_system;
    struct stat status;

    /* Without pidfs, all pidfds share the single anonymous inode. */
    return fstatfs(pidfd, &file_system) == 0 && file_system.f_type == PID_FS &&
                   fstat(pidfd, &status) == 0
               ? status.st_ino
               : 0;
}

static char *pidfd_read_proc(pid_t pid, const char *name) {
    char path[64];
    size_t size;

    g_snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    berth_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? NULL : berth_fd_read_whole(fd, 64 * 1024, &size, NULL);
}

/* A field of proc_pid_stat(5), by its number there, starting at 3. Fields are counted from the last
 * parenthesis, because the command's name may contain some. Returns NULL if there are not enough
 * fields. */
static const char *find_stat_field(const char *stat, int number) {
    const char *field = strrchr(stat, ')');

    for (int i = 2; field && i < number; i++) {
        field = strchr(field, ' ');
        field = field ? field + 1 : NULL;
    }
    return field;
}

/* Older kernels show the exit code of a zombie (proc_pid_stat(5), fields 3 and 52) until its parent
 * reaps it. The parent is systemd here, and reading immediately often wins that race. */
static bool pidfd_read_zombie(int pidfd, int *status) {
    pid_t pid = (pid_t)berth_fd_get_info(0, pidfd, "Pid");
    g_autofree char *stat = pid > 0 ? pidfd_read_proc(pid, "stat") : NULL;
    const char *state = stat ? find_stat_field(stat, 3) : NULL;
    const char *code = stat ? find_stat_field(stat, 52) : NULL;
    bool ended = state && (*state == 'Z' || *state == 'X');

    /* The process may have been reaped meanwhile and its pid reused, which the pidfd reveals. */
    if (!ended || !code || berth_fd_get_info(0, pidfd, "Pid") != pid)
        return false;
    *status = berth_status_of_wait((int)g_ascii_strtoll(code, NULL, 10));
    return true;
}

BerthPidfdState berth_pidfd_get_state(int pidfd, int *status) {
    struct exit_info info = {.mask = INFO_EXIT};
    siginfo_t child = {0};

    if (berth_pidfd_is_running(pidfd))
        return BERTH_PIDFD_RUNNING;
    /* A child is reaped here, which yields its status. */
    if (waitid(P_PIDFD, (id_t)pidfd, &child, WEXITED | WNOHANG) == 0) {
        if (child.si_pid == 0)
            return BERTH_PIDFD_RUNNING;
        *status = child.si_code == CLD_EXITED ? child.si_status : 128 + child.si_status;
        return BERTH_PIDFD_EXITED;
    }
    if (!berth_pidfd_reports_exits() || ioctl(pidfd, GET_INFO, &info) < 0)
        return pidfd_read_zombie(pidfd, status) ? BERTH_PIDFD_EXITED : BERTH_PIDFD_UNKNOWN;
    if (!(info.mask & INFO_EXIT))
        return BERTH_PIDFD_UNREAPED;
    *status = berth_status_of_wait(info.exit_code);
    return BERTH_PIDFD_EXITED;
}

/* The time of the start (proc_pid_stat(5), field 22), which together with the pid identifies a
 * process. */
uint64_t berth_pid_get_start(pid_t pid) {
    g_autofree char *stat = pidfd_read_proc(pid, "stat");
    const char *field = stat ? find_stat_field(stat, 22) : NULL;

    return field ? g_ascii_strtoull(field, NULL, 10) : 0;
}

char *berth_pid_read_command(pid_t pid) {
    char path[64], text[MAX_COMMAND];

    g_snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    berth_autofd int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (size <= 0) {
        g_snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
        berth_autofd int name = open(path, O_RDONLY | O_CLOEXEC);
        size = name < 0 ? 0 : read(name, text, sizeof text - 1);
        /* Drops the trailing newline. MAX() would evaluate a call in its argument twice. */
        size = MAX(size, 1) - 1;
    } else if (text[size - 1] == '\0') {
        size--;
    }
    /* The process chooses this text, which may be shown on a terminal. */
    for (ssize_t i = 0; i < size; i++)
        if (text[i] == '\0' || g_ascii_iscntrl(text[i]))
            text[i] = ' ';
    text[size] = '\0';
    return g_utf8_make_valid(text, -1);
}

/* Whole components are compared, so that a unit whose name merely begins with this one does not
 * match. */
bool berth_pid_is_in_unit(pid_t pid, const char *unit) {
    g_autofree char *cgroup = pidfd_read_proc(pid, "cgroup");
    /* A path begins after the colon (proc_pid_cgroup(5)). */
    g_autofree char *component = g_strconcat(unit[0] == '/' ? ":" : "/", unit, NULL);
    char *found = cgroup ? strstr(cgroup, component) : NULL;

    return found && strchr("/\n", found[strlen(component)]);
}

/* FDPOLL=0: otherwise systemd drops a descriptor as soon as it reports a hang-up or an error
 * (sd_notify(3)), but the pidfd of a process that has ended is still needed. */
bool berth_fd_store_put(const char *name, int fd, GError **error) {
    g_autofree char *state = g_strdup_printf("FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
    int r = sd_pid_notify_with_fds(0, 0, state, &fd, 1);

    return r >= 0 || berth_error_set_errno(error, r, "give a descriptor to systemd");
}

void berth_fd_store_remove(const char *name) {
    (void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}
