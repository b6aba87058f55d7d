/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files of the container's root, which is this process's own by now, as a tar and back. To copy
 * out, libarchive walks the tree, and the files are opened and written to the tar here; to copy in,
 * the tar is read here, and libarchive writes to disk. A call keeps no state, and its archives are
 * freed when it ends. The one thing to know: the container may be running and may replace any path
 * at any time, so a file is judged only after it is open.
 */

#include "copy/copy.h"

#include "base/fd.h"
#include "copy/entry.h"
#include "tar/reader.h"
#include "tar/writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 128 * 1024, MAX_NAMES_BYTES = 1024 * 1024 };

static bool failed(struct archive *archive, const char *what, const char *path, GError **error) {
    const char *reason = archive_error_string(archive);

    if (archive_errno(archive) == ENOSPC || archive_errno(archive) == EDQUOT)
        return berth_error_set_errno(error, archive_errno(archive), "%s %.500s", what, path);
    return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "%s %.500s: %s", what, path,
                           reason ? reason : "failed");
}

/* "/a/b" below "/a/b" is the entry itself and gets the new name. The target of a hard link is the
 * first name of a file, and is renamed in the same way. */
static void rename_below(char **path, const char *root, const char *name) {
    size_t length = strlen(root);

    if (!*path || strncmp(*path, root, length) != 0)
        return;
    char *renamed = g_strconcat(name, *path + length, NULL);
    g_free(*path);
    *path = renamed;
}

static bool copy_data(BerthTarReader *from, struct archive *to, const char *path, GError **error) {
    const void *block;
    size_t size;
    int64_t offset;
    bool read;

    while ((read = berth_tar_reader_data(from, &block, &size, &offset, error)) && size > 0) {
        /* A hole is written as what it reads as. Of a disk that is full, libarchive only warns. */
        if (archive_write_data_block(to, block, size, offset) != ARCHIVE_OK)
            return failed(to, "write", path, error);
    }
    return read;
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

/* Into a tar, whose header has the size already. Exactly that many bytes are written: a file that
 * has grown meanwhile is cut, one that has shrunk ends in zeros. Holes are not read. */
static bool write_data(int file, BerthTarWriter *to, const char *path, off_t whole,
                       GError **error) {
    g_autofree char *block = g_malloc(BLOCK_BYTES);
    off_t at = 0;

    while (at < whole) {
        off_t data = lseek(file, at, SEEK_DATA);
        /* Nothing but a hole is left, or the file system cannot tell. */
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

static char *make_key(struct archive_entry *entry) {
    return g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                           (guint64)archive_entry_dev(entry), (guint64)archive_entry_ino64(entry));
}

/* The first name of a file with several, to which this one becomes a link; NULL for the first. */
static const char *find_first(GHashTable *seen, struct archive_entry *entry) {
    g_autofree char *key = make_key(entry);

    return archive_entry_nlink(entry) < 2 ? NULL : g_hash_table_lookup(seen, key);
}

static void note_first(GHashTable *seen, struct archive_entry *entry) {
    if (archive_entry_nlink(entry) >= 2)
        g_hash_table_insert(seen, make_key(entry), g_strdup(archive_entry_pathname(entry)));
}

/* The walk may produce a path that is longer than PATH_MAX: it is opened in parts. */
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
 * A file of the container, which may have put something else in its place. O_NONBLOCK: opening a
 * FIFO without a writer would not return. -1 without an error: it is no regular file any more, and
 * is left out.
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

/* A copy out of the container. libarchive walks, but opens no file. */
typedef struct {
    int start; /* that paths begin at */
    struct archive *disk;
    BerthTarWriter *tar;
    GHashTable *seen; /* "DEVICE:INODE" → path of a file's first name */
    const char *root, *name;
} CopyOut;

static bool write_one(const CopyOut *copy, struct archive_entry *entry, GError **error) {
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

static bool write_all(const CopyOut *copy, GError **error) {
    struct archive_entry *entry = archive_entry_new();
    bool good = true;
    int r = ARCHIVE_OK;

    while (good && (r = archive_read_next_header2(copy->disk, entry)) != ARCHIVE_EOF) {
        const char *path = archive_entry_sourcepath(entry);
        if (r < ARCHIVE_WARN) {
            good = failed(copy->disk, "read", path ? path : copy->root, error);
            break;
        }
        /* A tar has no sockets: they are left out. */
        archive_read_disk_descend(copy->disk);
        good = archive_entry_filetype(entry) == AE_IFSOCK || write_one(copy, entry, error);
        archive_entry_clear(entry);
    }
    archive_entry_free(entry);
    return good;
}

/* Enters the directory of an entry, resolved within the root whatever links lead to it, and returns
 * the entry's name there. That is "." if the path ends in a way that names a directory. */
static char *go_to(const char *path, GError **error) {
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    bool itself = g_str_has_suffix(path, "/") || g_str_equal(base, ".") || g_str_equal(base, "..");
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int directory = root < 0
                                     ? -1
                                     : berth_fd_open_in_root(root, itself ? path : parent,
                                                             O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    struct stat status;

    if (itself) {
        g_free(base);
        base = g_strdup(".");
    }
    if (directory < 0 || fchdir(directory) < 0 ||
        fstatat(AT_FDCWD, base, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, "%.500s of the container: %s", path,
                        g_strerror(errno));
        return NULL;
    }
    return g_steal_pointer(&base);
}

static char *get_name(const char *path) {
    g_autofree char *base = g_path_get_basename(path);

    return g_str_equal(base, "/") ? g_strdup(".") : g_steal_pointer(&base);
}

static bool check_kind(const char *path, const char *there, BerthCopyKind kind, GError **error) {
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

bool berth_copy_out(const char *path, const char *name, BerthCopyKind kind, int output,
                    GError **error) {
    g_autofree char *own_name = get_name(path);
    g_autofree char *there = go_to(path, error);

    if (!there || !check_kind(path, there, kind, error))
        return false;
    berth_autofd int start = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (start < 0)
        return berth_error_set_errno(error, errno, "%.500s of the container", path);
    struct archive *disk = archive_read_disk_new();
    g_autoptr(BerthTarWriter) tar = berth_tar_writer_new(output);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const CopyOut copy = {start, disk, tar, seen, there, name ? name : own_name};
    archive_read_disk_set_symlink_physical(disk);
    bool good =
        archive_read_disk_open(disk, there) >= ARCHIVE_WARN || failed(disk, "read", path, error);
    good = good && write_all(&copy, error) && berth_tar_writer_finish(tar, error);
    archive_read_free(disk);
    return good;
}

/* A name with a line break cannot be told from two, and is left out. */
static void add_name(GString *lines, DIR *directory, const char *name) {
    struct stat status;

    if (g_str_equal(name, ".") || g_str_equal(name, "..") || strchr(name, '\n'))
        return;
    /* Through a symbolic link: what is behind it can be entered as a directory. */
    bool is_directory = fstatat(dirfd(directory), name, &status, 0) == 0 && S_ISDIR(status.st_mode);
    g_string_append_printf(lines, "%s%s\n", name, is_directory ? "/" : "");
}

bool berth_copy_list_names(const char *path, int output, GError **error) {
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autofree char *inside = g_strconcat(path, "/", NULL);
    g_autofree char *there = go_to(inside, error);
    DIR *directory = there ? opendir(there) : NULL;
    struct dirent *entry;

    if (!there)
        return false;
    if (!directory)
        return berth_error_set_errno(error, errno, "%.500s of the container", path);
    while (lines->len < MAX_NAMES_BYTES && (entry = readdir(directory)))
        add_name(lines, directory, entry->d_name);
    closedir(directory);
    return berth_fd_write_all(output, lines->str, lines->len) ||
           berth_error_set_errno(error, errno, "%.500s of the container", path);
}

/* "a/b" becomes "NAME/b"; what begins with "./" is without it. */
static void rename_topmost(char **path, const char *name) {
    const char *old = *path;

    while (g_str_has_prefix(old, "./"))
        old += 2;
    char *renamed = g_strconcat(name, old + strcspn(old, "/"), NULL);
    g_free(*path);
    *path = renamed;
}

/* The directory that is copied into: it exists, and keeps its attributes. */
static bool is_place_itself(const char *path) {
    return path[0] != '/' && path[strspn(path, "./")] == '\0' && !strstr(path, "..");
}

/* libarchive may remove a file to make a directory, or an empty directory to make a file. Both are
 * refused here. */
static bool check_replaced(const BerthTarEntry *member, GError **error) {
    bool directory = !member->is_hard_link && S_ISDIR(member->mode);
    size_t length = strlen(member->path);
    struct stat status;

    /* With the slash behind the name of a directory, a file would not be found. */
    while (length > 1 && member->path[length - 1] == '/')
        length--;
    g_autofree char *bare = g_strndup(member->path, length);
    if (lstat(bare, &status) < 0 || S_ISDIR(status.st_mode) == directory)
        return true;
    /* A link to a directory counts as a directory. */
    if (directory && S_ISLNK(status.st_mode) && stat(bare, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           directory ? "%.500s of the container is not a directory; a directory "
                                       "does not replace it"
                                     : "%.500s of the container is a directory; a file does not "
                                       "replace it",
                           bare);
}

static bool extract_one(BerthTarReader *tar, BerthTarEntry *member, struct archive *disk,
                        struct archive_entry *entry, const char *name, GError **error) {
    if (!name && is_place_itself(member->path))
        return true;
    if (name)
        rename_topmost(&member->path, name);
    if (name && member->is_hard_link)
        rename_topmost(&member->target, name);
    if (S_ISCHR(member->mode) || S_ISBLK(member->mode))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "%.500s is a device; devices cannot be copied into a container",
                               member->path);
    if (!check_replaced(member, error))
        return false;
    berth_copy_entry_from_tar(member, entry);
    if (archive_write_header(disk, entry) < ARCHIVE_WARN)
        return failed(disk, "write", member->path, error);
    if (member->size > 0 && !copy_data(tar, disk, member->path, error))
        return false;
    return archive_write_finish_entry(disk) >= ARCHIVE_WARN ||
           failed(disk, "write", member->path, error);
}

static bool extract_all(BerthTarReader *tar, struct archive *disk, const char *name,
                        GError **error) {
    struct archive_entry *entry = archive_entry_new();
    g_auto(BerthTarEntry) member = {0};
    bool good, more = true;

    do
        good = berth_tar_reader_next(tar, &member, &more, error) &&
               (!more || extract_one(tar, &member, disk, entry, name, error));
    while (good && more);
    archive_entry_free(entry);
    return good;
}

/* The source of a tar that is read: a descriptor, in blocks. */
typedef struct {
    int fd, errnum;
    char block[BLOCK_BYTES];
} Input;

static size_t fetch_block(void *userdata, const void **block) {
    Input *input = userdata;
    ssize_t got;

    do
        got = read(input->fd, input->block, sizeof input->block);
    while (got < 0 && errno == EINTR);
    input->errnum = got < 0 ? errno : 0;
    *block = input->block;
    return (size_t)MAX(got, 0);
}

bool berth_copy_in(const char *path, const char *name, int input, bool owners, GError **error) {
    berth_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int directory =
        root < 0 ? -1 : berth_fd_open_in_root(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

    if (directory < 0 || fchdir(directory) < 0)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               "the directory %.500s of the container: %s", path,
                               g_strerror(errno));
    return berth_copy_in_here(name, input, owners, error);
}

bool berth_copy_in_here(const char *name, int input, bool owners, GError **error) {
    /* The tar is the client's: no name in it may leave the directory, by "..", by a leading slash
     * or through a symbolic link (archive_write_disk(3)). */
    int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR |
                ARCHIVE_EXTRACT_ACL | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                (owners ? ARCHIVE_EXTRACT_OWNER : 0);
    g_autofree Input *source = g_new0(Input, 1);
    g_autoptr(BerthTarReader) tar = berth_tar_reader_new(fetch_block, source);
    struct archive *disk = archive_write_disk_new();

    source->fd = input;
    archive_write_disk_set_options(disk, flags);
    bool good = extract_all(tar, disk, name, error);
    /* The tar reader sees only an early end; the read error is the reason for it. */
    if (source->errnum != 0) {
        g_clear_error(error);
        good = berth_error_set_errno(error, source->errnum, "read the tar");
    }
    good = good && (archive_write_close(disk) >= ARCHIVE_WARN || failed(disk, "write", "", error));
    archive_write_free(disk);
    return good;
}
