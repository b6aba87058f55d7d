/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Called by the inner process in the container's root, once the user is known. The bundle was made
 * by berth-ingest from a caller's bytes: names and sizes are checked here, where they are used. It
 * is read by position, since berthd has the same description for the next start.
 */

#include "launch/secrets.h"

#include "bare/fd.h"
#include "bare/secrets.h"

#include <errno.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BUFFER_BYTES = 16 * 1024 };

static bool secret_has_good_name(const BerthSecretHeader *header) {
    const char *name = header->name;

    return memchr(name, '\0', sizeof header->name) && name[0] && !strchr(name, '/') &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool secret_copy(int bundle, off_t from, uint64_t size, int file) {
    char buffer[BUFFER_BYTES];

    while (size > 0) {
        size_t most = size < sizeof buffer ? (size_t)size : sizeof buffer;
        ssize_t got = pread(bundle, buffer, most, from);
        if (got <= 0 || !berth_fd_write_all(file, buffer, (size_t)got))
            return false;
        from += got;
        size -= (uint64_t)got;
    }
    return true;
}

static bool secret_write(int bundle, off_t from, const BerthSecretHeader *header, int directory,
                         uid_t uid, gid_t gid) {
    berth_autofd int file =
        openat(directory, header->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);

    return file >= 0 && fchmod(file, 0400) == 0 && secret_copy(bundle, from, header->size, file) &&
           fchown(file, uid, gid) == 0;
}

/* The tmpfs of the set-up, and not a directory of the image's that something else shows. */
static int secrets_open_directory(void) {
    struct statfs status;
    berth_autofd int directory =
        open(BERTH_SECRETS_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (directory < 0 || fstatfs(directory, &status) < 0)
        return -1;
    if (status.f_type != TMPFS_MAGIC) {
        errno = ENOTDIR;
        return -1;
    }
    return berth_fd_steal(&directory);
}

bool berth_secrets_write(int bundle, uid_t uid, gid_t gid, BerthFault *fault) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    BerthSecretHeader header;
    struct stat status;
    off_t at = 0;
    berth_autofd int directory = secrets_open_directory();

    if (directory < 0 || fstat(bundle, &status) < 0)
        return berth_fault_set_errno(fault, errno, "open %s", BERTH_SECRETS_DIRECTORY);
    while (at < status.st_size) {
        if (pread(bundle, &header, sizeof header, at) != sizeof header ||
            !secret_has_good_name(&header) ||
            header.size > (uint64_t)(status.st_size - at) - sizeof header)
            return berth_fault_set(fault, "%s: the secrets are damaged", BERTH_SECRETS_DIRECTORY);
        at += (off_t)sizeof header;
        if (!secret_write(bundle, at, &header, directory, uid, gid))
            return berth_fault_set_errno(fault, errno, "write %s/%s", BERTH_SECRETS_DIRECTORY,
                                         header.name);
        at += (off_t)header.size;
    }
    return syscall(SYS_mount_setattr, directory, "", AT_EMPTY_PATH, &attributes,
                   sizeof attributes) == 0 ||
           berth_fault_set_errno(fault, errno, "make %s read-only", BERTH_SECRETS_DIRECTORY);
}
