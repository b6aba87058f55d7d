/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Extracts a tar into a directory of the container's root, which is already the root of this
 * process. The tar is parsed here, and libarchive writes to disk. The tar comes from the client,
 * and no name in it may lead out of the directory. There is no state here beyond the call.
 */

#include "copy/copy-in.h"

#include "base/fd.h"
#include "copy/copy.h"
#include "copy/entry.h"
#include "tar/reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 128 * 1024 };

static bool copy_data(BerthTarReader *from, struct archive *to, const char *path, GError **error) {
    const void *block;
    size_t size;
    int64_t offset;
    bool read;

    while ((read = berth_tar_reader_data(from, &block, &size, &offset, error)) && size > 0) {
        /* Holes are written as zeros. If the disk is full, libarchive only returns a warning. */
        if (archive_write_data_block(to, block, size, offset) != ARCHIVE_OK)
            return berth_copy_fail(to, "write", path, error);
    }
    return read;
}

/* "a/b" becomes "NAME/b". A leading "./" is removed. */
static void rename_topmost(char **path, const char *name) {
    const char *old = *path;

    while (g_str_has_prefix(old, "./"))
        old += 2;
    char *renamed = g_strconcat(name, old + strcspn(old, "/"), NULL);
    g_free(*path);
    *path = renamed;
}

/* The entry for the destination directory itself, which exists and keeps its attributes. */
static bool is_place_itself(const char *path) {
    return path[0] != '/' && path[strspn(path, "./")] == '\0' && !strstr(path, "..");
}

/* libarchive may remove a file to create a directory, or an empty directory to create a file. Both
 * are refused here. */
static bool check_replaced(const BerthTarEntry *member, GError **error) {
    bool directory = !member->is_hard_link && S_ISDIR(member->mode);
    size_t length = strlen(member->path);
    struct stat status;

    /* With a trailing slash, as in the name of a directory, a file would not be found. */
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

/* A file that is copied to the name of a symbolic link is written where the link leads, as by
 * cp(1). *back is the directory to return to. */
static bool follow_links(BerthTarEntry *member, int *back, GError **error) {
    if ((*back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return berth_error_set_errno(error, errno, "%.500s of the container", member->path);
    return berth_copy_follow_links(&member->path, error);
}

/* The file that the client names as the destination: docker and podman refuse these, too. A member
 * of the archive below it replaces what is there. */
static bool check_destination(const char *path, GError **error) {
    struct stat status;

    return lstat(path, &status) < 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "%.500s of the container is neither a directory nor a regular file",
                           path);
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
    bool is_file = S_ISREG(member->mode) && !member->is_hard_link;
    berth_autofd int back = -1;
    if (name && is_file && g_str_equal(member->path, name) &&
        (!follow_links(member, &back, error) || !check_destination(member->path, error)))
        return false;
    if (!check_replaced(member, error))
        return false;
    berth_copy_entry_from_tar(member, entry);
    if (archive_write_header(disk, entry) < ARCHIVE_WARN)
        return berth_copy_fail(disk, "write", member->path, error);
    if (member->size > 0 && !copy_data(tar, disk, member->path, error))
        return false;
    if (archive_write_finish_entry(disk) < ARCHIVE_WARN)
        return berth_copy_fail(disk, "write", member->path, error);
    return back < 0 || fchdir(back) == 0 ||
           berth_error_set_errno(error, errno, "%.500s of the container", member->path);
}

/* The reader's error says what is wrong with the archive, but not that it is about the archive. */
static bool read_member(BerthTarReader *tar, BerthTarEntry *member, bool *more, GError **error) {
    GError *local = NULL;

    if (berth_tar_reader_next(tar, member, more, &local))
        return true;
    g_propagate_prefixed_error(error, local, "this is not a valid tar archive: ");
    return false;
}

static bool extract_all(BerthTarReader *tar, struct archive *disk, const char *name,
                        GError **error) {
    struct archive_entry *entry = archive_entry_new();
    g_auto(BerthTarEntry) member = {0};
    bool good, more = true;

    do
        good = read_member(tar, &member, &more, error) &&
               (!more || extract_one(tar, &member, disk, entry, name, error));
    while (good && more);
    archive_entry_free(entry);
    return good;
}

/* The source of a tar: a descriptor that is read in blocks. */
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
    return berth_copy_in_extract(name, input, owners, error);
}

bool berth_copy_in_extract(const char *name, int input, bool owners, GError **error) {
    /* The tar comes from the client: no name in it may leave the directory through "..", a leading
     * slash or a symbolic link (archive_write_disk(3)). */
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
    /* The tar reader only notices an early end; the read error is the cause. */
    if (source->errnum != 0) {
        g_clear_error(error);
        good = berth_error_set_errno(error, source->errnum, "read the tar");
    }
    good = good &&
           (archive_write_close(disk) >= ARCHIVE_WARN || berth_copy_fail(disk, "write", "", error));
    archive_write_free(disk);
    return good;
}
