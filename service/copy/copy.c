/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "copy/copy.h"

#include "base/fd.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK_BYTES = 128 * 1024 };

static bool failed(struct archive *archive, const char *what, const char *path, GError **error) {
    const char *reason = archive_error_string(archive);

    if (archive_errno(archive) == ENOSPC || archive_errno(archive) == EDQUOT)
        return berth_error_set_errno(error, archive_errno(archive), "%s %.500s", what, path);
    return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "%s %.500s: %s", what, path,
                           reason ? reason : "failed");
}

/* "/a/b" below "/a/b" is the entry itself, which is given the name. */
static void rename_entry(struct archive_entry *entry, const char *root, const char *name) {
    const char *path = archive_entry_pathname(entry);
    size_t length = strlen(root);
    g_autofree char *renamed =
        g_strconcat(name, strncmp(path, root, length) == 0 ? path + length : path, NULL);

    archive_entry_set_pathname(entry, renamed);
}

/* What lies under a name of several is a link to the first one: that is renamed as well. */
static void rename_link(struct archive_entry *entry, const char *root, const char *name) {
    const char *target = archive_entry_hardlink(entry);
    size_t length = strlen(root);

    if (!target || strncmp(target, root, length) != 0)
        return;
    g_autofree char *renamed = g_strconcat(name, target + length, NULL);
    archive_entry_set_hardlink(entry, renamed);
}

static bool copy_data(struct archive *from, struct archive *to, const char *path, GError **error) {
    const void *block;
    size_t size;
    la_int64_t offset;
    int r;

    while ((r = archive_read_data_block(from, &block, &size, &offset)) == ARCHIVE_OK) {
        /* A hole is written as what it reads as. */
        if (archive_write_data_block(to, block, size, offset) < ARCHIVE_WARN)
            return failed(to, "write", path, error);
    }
    return r == ARCHIVE_EOF || failed(from, "read", path, error);
}

/* Into a tar, which knows no offsets. */
static bool write_data(struct archive *from, struct archive *to, const char *path, GError **error) {
    static const char zeros[BLOCK_BYTES];
    la_int64_t at = 0, offset;
    const void *block;
    size_t size;
    int r;

    while ((r = archive_read_data_block(from, &block, &size, &offset)) == ARCHIVE_OK) {
        while (at < offset) {
            size_t hole = (size_t)MIN(offset - at, (la_int64_t)sizeof zeros);
            if (archive_write_data(to, zeros, hole) < 0)
                return failed(to, "write", path, error);
            at += (la_int64_t)hole;
        }
        if (size > 0 && archive_write_data(to, block, size) < 0)
            return failed(to, "write", path, error);
        at += (la_int64_t)size;
    }
    return r == ARCHIVE_EOF || failed(from, "read", path, error);
}

static bool write_all(struct archive *disk, struct archive *tar, const char *root, const char *name,
                      GError **error) {
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    struct archive_entry *entry = archive_entry_new();
    bool good = true;
    int r = ARCHIVE_OK;

    while (good && (r = archive_read_next_header2(disk, entry)) != ARCHIVE_EOF) {
        g_autofree char *path = g_strdup(archive_entry_sourcepath(entry));
        if (r < ARCHIVE_WARN) {
            good = failed(disk, "read", path ? path : root, error);
            break;
        }
        archive_read_disk_descend(disk);
        if (archive_entry_filetype(entry) == AE_IFSOCK) {
            archive_entry_clear(entry);
            continue;
        }
        if (archive_entry_nlink(entry) > 1 && archive_entry_filetype(entry) == AE_IFREG) {
            g_autofree char *key = g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                                   (guint64)archive_entry_dev(entry),
                                                   (guint64)archive_entry_ino64(entry));
            const char *first = g_hash_table_lookup(seen, key);
            if (first) {
                archive_entry_set_hardlink(entry, first);
                archive_entry_set_size(entry, 0);
            } else {
                g_hash_table_insert(seen, g_steal_pointer(&key),
                                    g_strdup(archive_entry_pathname(entry)));
            }
        }
        rename_link(entry, root, name);
        rename_entry(entry, root, name);
        good =
            archive_write_header(tar, entry) >= ARCHIVE_WARN || failed(tar, "write", path, error);
        if (good && archive_entry_size(entry) > 0 && archive_entry_filetype(entry) == AE_IFREG)
            good = write_data(disk, tar, path, error);
        archive_entry_clear(entry);
    }
    archive_entry_free(entry);
    return good;
}

/* Goes where an entry is, below the root whatever links lead to it, and says what it is there: a
 * name, or "." where the path says that it is a directory. */
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

bool berth_copy_out(const char *path, const char *name, int output, GError **error) {
    g_autofree char *own_name = get_name(path);
    g_autofree char *there = go_to(path, error);

    if (!there)
        return false;
    struct archive *disk = archive_read_disk_new(), *tar = archive_write_new();
    archive_read_disk_set_symlink_physical(disk);
    archive_write_set_format_pax_restricted(tar);
    archive_write_set_options(tar, "hdrcharset=BINARY");
    archive_write_set_bytes_per_block(tar, BLOCK_BYTES);
    archive_write_set_bytes_in_last_block(tar, 1);
    bool good =
        archive_read_disk_open(disk, there) >= ARCHIVE_WARN || failed(disk, "read", path, error);
    good = good && (archive_write_open_fd(tar, output) >= ARCHIVE_WARN ||
                    failed(tar, "write", path, error));
    good = good && write_all(disk, tar, there, name ? name : own_name, error);
    good = good && (archive_write_close(tar) >= ARCHIVE_WARN || failed(tar, "write", path, error));
    archive_write_free(tar);
    archive_read_free(disk);
    return good;
}

/* "a/b" becomes "NAME/b"; what begins with "./" is without it. */
static void rename_topmost(struct archive_entry *entry, const char *name) {
    const char *path = archive_entry_pathname(entry);

    while (path && g_str_has_prefix(path, "./"))
        path += 2;
    if (!path || !name)
        return;
    g_autofree char *renamed = g_strconcat(name, path + strcspn(path, "/"), NULL);
    archive_entry_set_pathname(entry, renamed);
    const char *target = archive_entry_hardlink(entry);
    if (!target)
        return;
    g_autofree char *renamed_target = g_strconcat(name, target + strcspn(target, "/"), NULL);
    archive_entry_set_hardlink(entry, renamed_target);
}

static bool is_device(struct archive_entry *entry) {
    mode_t type = archive_entry_filetype(entry);

    return !archive_entry_hardlink(entry) && (type == AE_IFCHR || type == AE_IFBLK);
}

static bool extract_all(struct archive *tar, struct archive *disk, const char *name,
                        GError **error) {
    struct archive_entry *entry;
    int r;

    while ((r = archive_read_next_header(tar, &entry)) != ARCHIVE_EOF) {
        if (r < ARCHIVE_WARN)
            return failed(tar, "read the tar", "", error);
        rename_topmost(entry, name);
        g_autofree char *path = g_strdup(archive_entry_pathname(entry));
        if (is_device(entry))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "%.500s is a device; devices cannot be copied into a container",
                                   path ? path : "");
        if (archive_write_header(disk, entry) < ARCHIVE_WARN)
            return failed(disk, "write", path, error);
        if (archive_entry_size(entry) > 0 && !copy_data(tar, disk, path, error))
            return false;
        if (archive_write_finish_entry(disk) < ARCHIVE_WARN)
            return failed(disk, "write", path, error);
    }
    return true;
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
    int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR |
                ARCHIVE_EXTRACT_ACL | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                (owners ? ARCHIVE_EXTRACT_OWNER : 0);
    struct archive *tar = archive_read_new(), *disk = archive_write_disk_new();

    archive_read_support_format_tar(tar);
    archive_read_support_format_empty(tar);
    archive_write_disk_set_options(disk, flags);
    bool good = archive_read_open_fd(tar, input, BLOCK_BYTES) >= ARCHIVE_WARN ||
                failed(tar, "read the tar", "", error);
    good = good && extract_all(tar, disk, name, error);
    good = good && (archive_write_close(disk) >= ARCHIVE_WARN || failed(disk, "write", "", error));
    archive_write_free(disk);
    archive_read_free(tar);
    return good;
}
