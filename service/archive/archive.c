/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "archive/archive.h"

#include "base/fd.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

enum { BLOCK_BYTES = 256 * 1024, MAX_MEMBERS = 100 * 1000 };

struct BerthArchiveReader {
    struct archive *archive;
    int input;
    unsigned members;
};

struct BerthArchiveWriter {
    struct archive *archive;
    int output;
    char *buffer;
};

void berth_archive_member_clear(BerthArchiveMember *member) {
    g_clear_pointer(&member->name, g_free);
    g_clear_pointer(&member->target, g_free);
}

static bool set_error(struct archive *archive, BerthErrorCode code, const char *what,
                      GError **error) {
    const char *reason = archive_error_string(archive);
    int errnum = archive_errno(archive);

    if (errnum == ENOSPC || errnum == EPIPE)
        return berth_error_set_errno(error, errnum, "%s", what);
    return berth_error_set(error, code, "%s: %s", what, reason ? reason : "unreadable");
}

BerthArchiveReader *berth_archive_reader_new(int input, bool plain, GError **error) {
    g_autoptr(BerthArchiveReader) reader = g_new0(BerthArchiveReader, 1);

    reader->input = input;
    reader->archive = archive_read_new();
    archive_read_support_filter_gzip(reader->archive);
    archive_read_support_filter_zstd(reader->archive);
    archive_read_support_filter_bzip2(reader->archive);
    archive_read_support_filter_xz(reader->archive);
    if (plain)
        archive_read_support_format_raw(reader->archive);
    else
        archive_read_support_format_tar(reader->archive);
    if (archive_read_open_fd(reader->archive, input, BLOCK_BYTES) == ARCHIVE_OK)
        return g_steal_pointer(&reader);
    set_error(reader->archive, BERTH_ERROR_INVALID_ARGUMENT, "this is no tar archive", error);
    return NULL;
}

void berth_archive_reader_free(BerthArchiveReader *reader) {
    if (!reader)
        return;
    archive_read_free(reader->archive);
    berth_fd_clear(&reader->input);
    g_free(reader);
}

static void read_member(struct archive_entry *entry, BerthArchiveMember *member) {
    const char *name = archive_entry_pathname(entry);
    const char *hard_link = archive_entry_hardlink(entry);
    const char *symlink = archive_entry_symlink(entry);

    member->name = g_strdup(name ? name : "");
    member->target = g_strdup(hard_link ? hard_link : symlink ? symlink : "");
    member->is_hard_link = hard_link != NULL;
    member->is_file = !hard_link && archive_entry_filetype(entry) == AE_IFREG;
    member->size = (uint64_t)MAX(archive_entry_size(entry), 0);
}

bool berth_archive_reader_next(BerthArchiveReader *reader, bool *more, BerthArchiveMember *member,
                               GError **error) {
    struct archive_entry *entry;
    int r = archive_read_next_header(reader->archive, &entry);

    *more = false;
    if (r == ARCHIVE_EOF)
        return true;
    if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
        return set_error(reader->archive, BERTH_ERROR_INVALID_ARGUMENT, "the archive is damaged",
                         error);
    if (++reader->members > MAX_MEMBERS)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "the archive has more than %d members", MAX_MEMBERS);
    *more = true;
    read_member(entry, member);
    return true;
}

bool berth_archive_reader_extract(BerthArchiveReader *reader, int output, uint64_t limit,
                                  uint64_t *size, GError **error) {
    const void *block;
    la_int64_t offset;
    size_t length;
    int r;

    *size = 0;
    while ((r = archive_read_data_block(reader->archive, &block, &length, &offset)) == ARCHIVE_OK) {
        /* A hole would have to be written as zeros; nobody makes image archives with any. */
        if ((uint64_t)offset != *size)
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "the archive has sparse members");
        if (length > limit - *size)
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                   "a member is larger than %" G_GUINT64_FORMAT " bytes", limit);
        if (!berth_fd_write_all(output, block, length))
            return berth_error_set_errno(error, errno, "pass a member on");
        *size += length;
    }
    return r == ARCHIVE_EOF || set_error(reader->archive, BERTH_ERROR_INVALID_ARGUMENT,
                                         "the archive is damaged", error);
}

BerthArchiveWriter *berth_archive_writer_new(int output, GError **error) {
    g_autoptr(BerthArchiveWriter) writer = g_new0(BerthArchiveWriter, 1);

    writer->output = output;
    writer->buffer = g_malloc(BLOCK_BYTES);
    writer->archive = archive_write_new();
    archive_write_set_format_pax_restricted(writer->archive);
    archive_write_add_filter_none(writer->archive);
    if (archive_write_open_fd(writer->archive, output) == ARCHIVE_OK)
        return g_steal_pointer(&writer);
    set_error(writer->archive, BERTH_ERROR_INTERNAL, "begin the archive", error);
    return NULL;
}

void berth_archive_writer_free(BerthArchiveWriter *writer) {
    if (!writer)
        return;
    archive_write_free(writer->archive);
    berth_fd_clear(&writer->output);
    g_free(writer->buffer);
    g_free(writer);
}

static bool write_header(BerthArchiveWriter *writer, const char *name, uint64_t size,
                         GError **error) {
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_mtime(entry, 0, 0);
    int r = archive_write_header(writer->archive, entry);
    archive_entry_free(entry);
    return r == ARCHIVE_OK ||
           set_error(writer->archive, BERTH_ERROR_INTERNAL, "write the archive", error);
}

bool berth_archive_writer_add(BerthArchiveWriter *writer, const char *name, uint64_t size,
                              int content, GError **error) {
    uint64_t done = 0;

    if (!write_header(writer, name, size, error))
        return false;
    while (done < size) {
        ssize_t got = read(content, writer->buffer, MIN((uint64_t)BLOCK_BYTES, size - done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return berth_error_set_errno(error, got < 0 ? errno : EIO, "read %s", name);
        if (archive_write_data(writer->archive, writer->buffer, (size_t)got) != got)
            return set_error(writer->archive, BERTH_ERROR_INTERNAL, "write the archive", error);
        done += (uint64_t)got;
    }
    return true;
}

bool berth_archive_writer_finish(BerthArchiveWriter *writer, GError **error) {
    return archive_write_close(writer->archive) == ARCHIVE_OK ||
           set_error(writer->archive, BERTH_ERROR_INTERNAL, "end the archive", error);
}
