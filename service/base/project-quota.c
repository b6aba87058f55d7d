/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A project is a number stored in inodes, which new inodes inherit from their directory. The kernel
 * counts by project instead of by file owner, so the ids of user namespaces do not matter. There is
 * no state here: it is all in the file system. The one thing to know: rename(2) and link(2) into a
 * directory of another project fail (EXDEV). So all directories of a container's overlay must
 * belong to the same project, and data shared between users, content and layers, belongs to none.
 */

#include "base/project-quota.h"

#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Administrators use small project numbers (projid(5)); numbers from here on are Berth's. The lower
 * 24 bits are the uid. */
#define FIRST_PROJECT 0xbe000000u

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443 /* since Linux 5.14 */
#endif

uint32_t berth_project_get_id(uint32_t owner) {
    return owner == 0 || owner > 0xffffff ? 0 : FIRST_PROJECT | owner;
}

static bool control_quota(int fd, int command, uint32_t project, void *data) {
    return syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, data) == 0;
}

/* Accounting alone does not limit anything. ext4 answers in the same way as XFS. */
static bool is_enforced(int fd) {
    struct fs_quota_statv status = {.qs_version = FS_QSTATV_VERSION1};

    return control_quota(fd, Q_XGETQSTATV, 0, &status) && (status.qs_flags & FS_QUOTA_PDQ_ENFD);
}

/* The block size is 1 KiB (QIF_DQBLKSIZE), whatever that of the file system. */
static bool set_limit(int fd, uint32_t project, uint64_t bytes) {
    struct if_dqblk limits = {
        .dqb_bhardlimit = bytes / 1024 > 0 ? bytes / 1024 : 1,
        .dqb_valid = QIF_BLIMITS,
    };

    return control_quota(fd, Q_SETQUOTA, project, &limits);
}

static bool set_project(int directory, uint32_t project) {
    struct fsxattr attributes;

    if (ioctl(directory, FS_IOC_FSGETXATTR, &attributes) < 0)
        return false;
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    return ioctl(directory, FS_IOC_FSSETXATTR, &attributes) == 0;
}

/* The limit is set first, so that no tree ever belongs to a project without one. */
bool berth_project_assign(int directory, uint32_t owner, uint64_t bytes) {
    uint32_t project = berth_project_get_id(owner);

    return project != 0 && bytes != UINT64_MAX && is_enforced(directory) &&
           set_limit(directory, project, bytes) && set_project(directory, project);
}
