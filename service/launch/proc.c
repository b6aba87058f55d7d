/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Opens files of /proc in the root of a container, which may have anything there: files of the
 * image, or mounts that a process with CAP_SYS_ADMIN has made. That a file is on a proc file system
 * is not enough, since each file of one can be mounted over another (CVE-2025-52881): a label or a
 * parameter would then be written to a file that the container chooses. There is no state here.
 */

#include "launch/proc.h"

#include "bare/fd.h"

#include <errno.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* PROC_ROOT_INO in the kernel. */
enum { ROOT_INODE = 1 };

static bool is_root_of_proc(int fd) {
    struct statfs system;
    struct stat status;

    return fstatfs(fd, &system) == 0 && system.f_type == PROC_SUPER_MAGIC &&
           fstat(fd, &status) == 0 && status.st_ino == ROOT_INODE;
}

int berth_proc_open(const char *path) {
    berth_autofd int proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (proc < 0)
        return -1;
    if (!is_root_of_proc(proc)) {
        errno = EXDEV;
        return -1;
    }
    return berth_fd_open_resolving(proc, path, O_WRONLY | O_NOFOLLOW, 0,
                                   RESOLVE_BENEATH | RESOLVE_NO_XDEV);
}
