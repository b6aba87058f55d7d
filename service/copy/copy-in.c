/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Extracts a tar into a directory of the container's root, which is already the root of this
 * process. The tar is parsed here, and libarchive writes to disk. The tar comes from the client,
 * and no name in it may lead out of the directory. There is no state here beyond the call.
 */

#include "copy/copy-in.h"

#include "base/fd.h"
#include "compressed/stream.h"
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

/* MAGIC_BYTES: the longest of those that begin compressed data. */
enum { BLOCK_BYTES = 128 * 1024, MAGIC_BYTES = 6 };

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

/* As GNU tar does: "/a" becomes "a", below the destination like all others. */
static void strip_root(char *path) {
    size_t slashes = path ? strspn(path, "/") : 0;

    if (slashes > 0)
        memmove(path, path + slashes, strlen(path + slashes) + 1);
}

/* The entry for the destination directory itself, which exists and keeps its attributes. */
static bool is_place_itself(const char *path) {
    return path[strspn(path, "./")] == '\0' && !strstr(path, "..");
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
    strip_root(member->path);
    if (member->is_hard_link)
        strip_root(member->target);
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

/* The source of a tar: a descriptor that is read in blocks, and what inflates them; its error is
 * kept in its own structure. */
typedef struct {
    struct archive *inflate; /* NULL: not compressed */
    int fd, errnum;
    bool is_damaged;
    size_t waiting; /* bytes in block that have been read to find the compression */
    char block[BLOCK_BYTES];
} Input;

/* Appends to what is waiting in the block. Returns false at the end, and after an error. */
static bool input_read(Input *input) {
    ssize_t got;

    do
        got = read(input->fd, input->block + input->waiting, sizeof input->block - input->waiting);
    while (got < 0 && errno == EINTR);
    input->errnum = got < 0 ? errno : 0;
    input->waiting += (size_t)MAX(got, 0);
    return got > 0;
}

static size_t fetch_block(void *userdata, const void **block) {
    Input *input = userdata;

    if (input->waiting == 0)
        input_read(input);
    size_t size = input->waiting;
    input->waiting = 0;
    *block = input->block;
    return size;
}

static la_ssize_t read_compressed(struct archive *archive, void *userdata, const void **block) {
    Input *input = userdata;
    size_t size = fetch_block(input, block);

    (void)archive;
    return input->errnum != 0 ? ARCHIVE_FATAL : (la_ssize_t)size;
}

static size_t fetch_inflated(void *userdata, const void **block) {
    Input *input = userdata;
    size_t size;
    int r = berth_compressed_read_block(input->inflate, block, &size);

    input->is_damaged = r != ARCHIVE_OK && r != ARCHIVE_EOF;
    return r == ARCHIVE_OK ? size : 0;
}

static bool input_is_compressed(const Input *input) {
    static const struct {
        const char *bytes;
        size_t size;
    } magics[] = {{"\x1f\x8b", 2}, {"BZh", 3}, {"\xfd\x37zXZ", 6}, {"\x28\xb5\x2f\xfd", 4}};

    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
        if (input->waiting >= magics[i].size &&
            memcmp(input->block, magics[i].bytes, magics[i].size) == 0)
            return true;
    return false;
}

/* As docker and podman, takes a tar compressed with gzip, bzip2, xz or zstd. */
static void input_open(Input *input, int fd) {
    struct archive_entry *entry;

    input->fd = fd;
    while (input->waiting < MAGIC_BYTES && input_read(input))
        ;
    if (!input_is_compressed(input))
        return;
    input->inflate = berth_compressed_new();
    input->is_damaged =
        archive_read_open(input->inflate, input, NULL, read_compressed, NULL) != ARCHIVE_OK ||
        archive_read_next_header(input->inflate, &entry) != ARCHIVE_OK;
}

/* The tar reader only notices an early end; an error of the input is the cause. */
static bool input_check(const Input *input, GError **error) {
    const char *reason = input->is_damaged ? archive_error_string(input->inflate) : NULL;

    if (input->errnum == 0 && !input->is_damaged)
        return true;
    g_clear_error(error);
    return input->errnum != 0
               ? berth_error_set_errno(error, input->errnum, "read the tar")
               : berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "the archive is damaged: %s",
                                 reason ? reason : "unreadable");
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
    /* The tar comes from the client: no name in it may leave the directory through ".." or a
     * symbolic link (archive_write_disk(3)). */
    int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR |
                ARCHIVE_EXTRACT_ACL | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                (owners ? ARCHIVE_EXTRACT_OWNER : 0);
    g_autofree Input *source = g_new0(Input, 1);
    struct archive *disk = archive_write_disk_new();

    input_open(source, input);
    g_autoptr(BerthTarReader) tar =
        berth_tar_reader_new(source->inflate ? fetch_inflated : fetch_block, source);
    archive_write_disk_set_options(disk, flags);
    bool good = !source->is_damaged && extract_all(tar, disk, name, error);
    good = input_check(source, error) && good;
    archive_read_free(source->inflate);
    good = good &&
           (archive_write_close(disk) >= ARCHIVE_WARN || berth_copy_fail(disk, "write", "", error));
    archive_write_free(disk);
    return good;
}
