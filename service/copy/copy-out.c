/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes files of the container's root, which is already the root of this process, as a tar.
 * libarchive walks the tree, and the files are opened and written here. The one thing to know: the
 * container may be running and can replace any path at any time, so a file is examined only after
 * it has been opened.
 */

#include "copy/copy-out.h"

#include "base/fd.h"
#include "copy/copy.h"
#include "copy/entry.h"
#include "tar/writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 128 * 1024 };

/* Gives the entry itself, with path equal to root, the new name, and renames everything below it
 * accordingly. The target of a hard link is the first name of a file, and is renamed in the same
 * way. */
static void rename_below(char **path, const char *root, const char *name) {
    size_t length = strlen(root);

    if (!*path || strncmp(*path, root, length) != 0)
        return;
    char *renamed = g_strconcat(name, *path + length, NULL);
    g_free(*path);
    *path = renamed;
}

static bool write_zeros(BerthTarWriter *to, la_int64_t size, GError **error) {
    static const char zeros[BLOCK_BYTES];

    for (la_int64_t part; size > 0; size -= part) {
        part = MIN(size, (la_int64_t)sizeof zeros);
        if (!berth_tar_writer_write(to, zeros, (size_t)part, error))
            return false;
    }
    return true;
}

/* Writes a file to a tar whose header already contains the size. Exactly that many bytes are
 * written: a file that has grown meanwhile is cut off, and one that has shrunk is padded with
 * zeros. Holes are not read. */
static bool write_data(int file, BerthTarWriter *to, const char *path, off_t whole,
                       GError **error) {
    g_autofree char *block = g_malloc(BLOCK_BYTES);
    off_t at = 0;

    while (at < whole) {
        off_t data = lseek(file, at, SEEK_DATA);
        /* Either only a hole is left, or the file system cannot tell. */
        if (data < 0 && errno != ENXIO)
            data = lseek(file, at, SEEK_SET);
        data = data < 0 ? whole : MIN(data, whole);
        if (!write_zeros(to, data - at, error))
            return false;
        at = data;
        ssize_t size = at < whole ? read(file, block, (size_t)MIN(whole - at, BLOCK_BYTES)) : 0;
        if (size < 0)
            return berth_error_set_errno(error, errno, "read %.500s", path);
        if (size == 0)
            break;
        if (!berth_tar_writer_write(to, block, (size_t)size, error))
            return false;
        at += size;
    }
    return write_zeros(to, whole - at, error);
}

static char *entry_make_key(struct archive_entry *entry) {
    return g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                           (guint64)archive_entry_dev(entry), (guint64)archive_entry_ino64(entry));
}

/* For a file with several names, returns the first name, to which this one becomes a link; NULL if
 * this is the first. */
static const char *find_first(GHashTable *seen, struct archive_entry *entry) {
    g_autofree char *key = entry_make_key(entry);

    return archive_entry_nlink(entry) < 2 ? NULL : g_hash_table_lookup(seen, key);
}

static void note_first(GHashTable *seen, struct archive_entry *entry) {
    if (archive_entry_nlink(entry) >= 2)
        g_hash_table_insert(seen, entry_make_key(entry), g_strdup(archive_entry_pathname(entry)));
}

/* The walk may produce a path longer than PATH_MAX, so it is opened in parts. */
static int open_long_path(int start, const char *path, int flags) {
    berth_autofd int directory = fcntl(start, F_DUPFD_CLOEXEC, 0);

    while (directory >= 0 && strlen(path) >= PATH_MAX) {
        g_autofree char *part = g_strndup(path, PATH_MAX - 1);
        char *slash = strrchr(part, '/');
        if (!slash) {
            errno = ENAMETOOLONG;
            return -1;
        }
        *slash = '\0';
        path += slash - part + 1;
        int next = openat(directory, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        berth_fd_clear(&directory);
        directory = next;
    }
    return directory < 0 ? -1 : openat(directory, path, flags);
}

/*
 * The container may have put something else in the place of the file. O_NONBLOCK: opening a FIFO
 * without a writer would block. Returns -1 without an error if it is no longer a regular file,
 * which is then left out.
 */
static int open_file(int start, const char *path, off_t *size, GError **error) {
    berth_autofd int file =
        open_long_path(start, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    if (file < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENXIO) {
        berth_error_set_errno(error, errno, "read %.500s", path);
        return -1;
    }
    if (file < 0 || fstat(file, &status) < 0 || !S_ISREG(status.st_mode))
        return -1;
    *size = status.st_size;
    return berth_fd_steal(&file);
}

/* A copy out of the container. libarchive walks the tree, but does not open files. */
typedef struct {
    int start; /* the directory that paths are relative to */
    struct archive *disk;
    BerthTarWriter *tar;
    GHashTable *seen; /* "DEVICE:INODE" → the first name of a file */
    const char *root, *name;
} CopyOut;

static bool write_tar_entry(const CopyOut *copy, struct archive_entry *entry, GError **error) {
    bool is_file = archive_entry_filetype(entry) == AE_IFREG;
    const char *first = is_file ? find_first(copy->seen, entry) : NULL;
    const char *path = archive_entry_sourcepath(entry);
    g_auto(BerthTarEntry) member = {0};
    g_autoptr(GError) local = NULL;
    berth_autofd int file = -1;
    off_t size = 0;

    if (is_file && !first && (file = open_file(copy->start, path, &size, &local)) < 0) {
        if (local)
            g_propagate_error(error, g_steal_pointer(&local));
        return !(error && *error);
    }
    if (first)
        archive_entry_copy_hardlink(entry, first);
    else if (is_file)
        note_first(copy->seen, entry);
    berth_copy_entry_to_tar(entry, &member);
    if (file >= 0)
        member.size = (uint64_t)size;
    rename_below(&member.path, copy->root, copy->name);
    if (member.is_hard_link)
        rename_below(&member.target, copy->root, copy->name);
    return berth_tar_writer_add(copy->tar, &member, error) &&
           (file < 0 || write_data(file, copy->tar, path, size, error));
}

static bool write_tar_entries(const CopyOut *copy, GError **error) {
    struct archive_entry *entry = archive_entry_new();
    bool good = true;
    int r = ARCHIVE_OK;

    while (good && (r = archive_read_next_header2(copy->disk, entry)) != ARCHIVE_EOF) {
        const char *path = archive_entry_sourcepath(entry);
        if (r < ARCHIVE_WARN) {
            good = berth_copy_fail(copy->disk, "read", path ? path : copy->root, error);
            break;
        }
        /* A tar cannot contain sockets, so they are left out. */
        archive_read_disk_descend(copy->disk);
        good = archive_entry_filetype(entry) == AE_IFSOCK || write_tar_entry(copy, entry, error);
        archive_entry_clear(entry);
    }
    archive_entry_free(entry);
    return good;
}

static char *get_name(const char *path) {
    g_autofree char *base = g_path_get_basename(path);

    return g_str_equal(base, "/") || g_str_equal(base, "..") ? g_strdup(".")
                                                             : g_steal_pointer(&base);
}

static bool check_entry_kind(const char *path, const char *there, BerthCopyKind kind,
                             GError **error) {
    struct stat status;

    if (kind == BERTH_COPY_ANY)
        return true;
    if (lstat(there, &status) < 0)
        return berth_error_set_errno(error, errno, "%.500s of the container", path);
    return S_ISDIR(status.st_mode) == (kind == BERTH_COPY_DIRECTORY) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           kind == BERTH_COPY_FILE ? "%.500s of the container is a directory"
                                                   : "%.500s of the container is not a directory",
                           path);
}

bool berth_copy_out(const char *path, const char *name, BerthCopyKind kind, bool follows,
                    int output, GError **error) {
    g_autofree char *own_name = get_name(path);
    g_autofree char *there = berth_copy_enter_parent(path, error);

    if (!there || (follows && !berth_copy_follow_links(&there, error)))
        return false;
    struct stat status;
    if (follows && lstat(there, &status) < 0)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND, "%.500s of the container: %s", path,
                               g_strerror(errno));
    if (!check_entry_kind(path, there, kind, error))
        return false;
    berth_autofd int start = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (start < 0)
        return berth_error_set_errno(error, errno, "%.500s of the container", path);
    struct archive *disk = archive_read_disk_new();
    g_autoptr(BerthTarWriter) tar = berth_tar_writer_new(output);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const CopyOut copy = {start, disk, tar, seen, there, name ? name : own_name};
    archive_read_disk_set_symlink_physical(disk);
    bool good = archive_read_disk_open(disk, there) >= ARCHIVE_WARN ||
                berth_copy_fail(disk, "read", path, error);
    good = good && write_tar_entries(&copy, error) && berth_tar_writer_finish(tar, error);
    archive_read_free(disk);
    return good;
}
