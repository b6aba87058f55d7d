/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Functions on file descriptors, without state. Paths are resolved with openat2(2) under the
 * restrictions that the caller names. The call is repeated on EAGAIN, which the kernel returns when
 * a rename raced with the resolution.
 */

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { MAX_TREE_DEPTH = 2048, PIPE_BYTES = 1024 * 1024 };

/* On disk. The time that the kernel takes to free a file depends on the number of its extents,
 * which for a file of 500 MB, written block by block, may be 100,000, and minutes. */
enum { SMALL_FILE_BYTES = 1024 * 1024, STATUS_BLOCK_BYTES = 512 };

int berth_fd_open_on_mount(int directory, const char *path, int flags, mode_t mode) {
    return berth_fd_open_resolving(directory, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
}

int berth_fd_open_in_root(int directory, const char *path, int flags, mode_t mode) {
    return berth_fd_open_resolving(directory, path, flags, mode, RESOLVE_IN_ROOT);
}

int berth_fd_open_real(int directory, const char *path, int flags, mode_t mode) {
    return berth_fd_open_resolving(directory, path, flags, mode,
                                   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/* pread(2) does not change the file offset, which may be shared with another process. One extra
 * byte is allocated for the terminating NUL, and one to find the end without growing: realloc(3)
 * would leave a copy in freed memory, of a file that may contain secrets. */
char *berth_fd_read_whole(int fd, size_t limit, size_t *size, GError **error) {
    struct stat status;
    bool is_known = fstat(fd, &status) == 0 && status.st_size > 0 &&
                    (uint64_t)status.st_size <= MIN(limit, SIZE_MAX / 2);
    size_t used = 0, allocated = is_known ? (size_t)status.st_size + 2 : 16 * 1024;
    g_autofree char *data = g_malloc(allocated);

    for (;;) {
        if (used + 1 >= allocated) {
            allocated *= 2;
            data = g_realloc(data, allocated);
        }
        ssize_t got = pread(fd, data + used, allocated - used - 1, used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            berth_error_set_errno(error, errno, "read");
            return NULL;
        }
        if (got == 0)
            break;
        used += got;
        if (used > limit) {
            berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "larger than the limit of %zu bytes",
                            limit);
            return NULL;
        }
    }
    data[used] = '\0';
    *size = used;
    return g_steal_pointer(&data);
}

char *berth_fd_read_stream(int fd, size_t limit, size_t *size, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    char buffer[16 * 1024];
    ssize_t got;

    while ((got = read(fd, buffer, sizeof buffer)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            berth_error_set_errno(error, errno, "read");
            return NULL;
        }
        if ((size_t)got > limit - text->len) {
            berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "more than the limit of %zu bytes",
                            limit);
            return NULL;
        }
        g_string_append_len(text, buffer, got);
    }
    *size = text->len;
    return g_string_free(g_steal_pointer(&text), FALSE);
}

char *berth_fd_read_file_at(int directory, const char *name, size_t limit) {
    berth_autofd int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
    size_t size;

    return file < 0 ? NULL : berth_fd_read_stream(file, limit, &size, NULL);
}

int berth_fd_new_in_memory(const void *data, size_t size, GError **error) {
    berth_autofd int fd = memfd_create("content", MFD_CLOEXEC);

    if (fd < 0 || !berth_fd_write_all(fd, data, size) || lseek(fd, 0, SEEK_SET) < 0) {
        berth_error_set_errno(error, errno, "make a file in memory");
        return -1;
    }
    return berth_fd_steal(&fd);
}

bool berth_fd_seal(int fd) {
    return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
}

/* fchmod(2) sets the mode regardless of the umask. On failure the new file is removed and errno
 * kept. */
static bool replace_file(int directory, const char *name, const void *data, size_t size,
                         mode_t mode, bool synced) {
    const char *slash = strrchr(name, '/');
    size_t parent = slash ? (size_t)(slash - name) + 1 : 0;
    g_autofree char *new_name =
        g_strdup_printf("%.*s" BERTH_FD_NEW_PREFIX "%s", (int)parent, name, name + parent);
    berth_autofd int fd =
        openat(directory, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);

    if (fd < 0)
        return false;
    if (fchmod(fd, mode) == 0 && berth_fd_write_all(fd, data, size) &&
        (!synced || fsync(fd) == 0) && renameat(directory, new_name, directory, name) == 0)
        return true;
    int errnum = errno;
    (void)unlinkat(directory, new_name, 0);
    errno = errnum;
    return false;
}

bool berth_fd_replace(int directory, const char *name, const void *data, size_t size, mode_t mode) {
    return replace_file(directory, name, data, size, mode, false);
}

bool berth_fd_replace_synced(int directory, const char *name, const void *data, size_t size,
                             mode_t mode) {
    return replace_file(directory, name, data, size, mode, true) && fsync(directory) == 0;
}

bool berth_fd_pipe(int ends[2], GError **error) {
    if (pipe2(ends, O_CLOEXEC) < 0)
        return berth_error_set_errno(error, errno, "make a pipe");
    /* Only an optimisation: above the user's pipe quota, a small buffer is good enough. */
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
    return true;
}

/* A file with another name is not freed. */
static bool is_large_file(int directory, const char *name) {
    struct stat status;

    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           status.st_nlink <= 1 && status.st_blocks > SMALL_FILE_BYTES / STATUS_BLOCK_BYTES;
}

/* budget: how many more entries may be removed; UINT_MAX: any number, of any size. */
static bool remove_children(int directory, dev_t device, unsigned depth, unsigned *budget,
                            GError **error) {
    berth_autofd int duplicate = fcntl(directory, F_DUPFD_CLOEXEC, 0);
    DIR *entries = duplicate < 0 ? NULL : fdopendir(duplicate);
    bool removed = true;

    if (!entries)
        return berth_error_set_errno(error, errno, "list directory");
    duplicate = -1;
    for (struct dirent *entry; removed && (entry = readdir(entries));) {
        if (g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, ".."))
            continue;
        if (*budget == 0 || (*budget != UINT_MAX && is_large_file(directory, entry->d_name))) {
            removed = berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                      "too many files, or too large ones");
            continue;
        }
        if (*budget != UINT_MAX)
            --*budget;
        if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN &&
            unlinkat(directory, entry->d_name, 0) == 0)
            continue;

        berth_autofd int child =
            openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;
        if (child < 0) {
            removed = unlinkat(directory, entry->d_name, 0) == 0 || errno == ENOENT ||
                      berth_error_set_errno(error, errno, "remove %s", entry->d_name);
            continue;
        }
        /* Opened without following a link, and compared with the device of the tree: the tree's
         * owner cannot redirect the removal to another place. */
        if (fstat(child, &status) < 0 || status.st_dev != device || depth >= MAX_TREE_DEPTH) {
            removed = berth_error_set(error, BERTH_ERROR_INTERNAL,
                                      "remove %s: a mount point or too deep", entry->d_name);
            continue;
        }
        removed = remove_children(child, device, depth + 1, budget, error) &&
                  (unlinkat(directory, entry->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT ||
                   berth_error_set_errno(error, errno, "remove directory %s", entry->d_name));
    }
    closedir(entries);
    return removed;
}

/* A file is removed by the first call. For a directory, unlink(2) fails; it is then opened and
 * emptied. */
bool berth_fd_remove_small_tree(int directory, const char *name, unsigned limit, GError **error) {
    struct stat status;

    if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
        return true;
    int unlinked = errno;
    berth_autofd int top = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* The kernel may check the permission to change the directory before it looks up the name. */
    if (top < 0 && errno == ENOENT)
        return true;
    if (top < 0 && (errno == ENOTDIR || errno == ELOOP))
        return berth_error_set_errno(error, unlinked, "remove %s", name);
    if (top < 0 || fstat(top, &status) < 0)
        return berth_error_set_errno(error, errno, "remove %s", name);
    if (!remove_children(top, status.st_dev, 0, &limit, error))
        return false;
    if (unlinkat(directory, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return berth_error_set_errno(error, errno, "remove directory %s", name);
    return true;
}

bool berth_fd_remove_tree(int directory, const char *name, GError **error) {
    return berth_fd_remove_small_tree(directory, name, UINT_MAX, error);
}

bool berth_fd_remove_children(const char *path, GError **error) {
    struct stat status;
    unsigned unlimited = UINT_MAX;
    berth_autofd int top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (top < 0 || fstat(top, &status) < 0)
        return berth_error_set_errno(error, errno, "open %s", path);
    return remove_children(top, status.st_dev, 0, &unlimited, error);
}
