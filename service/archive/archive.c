/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reading: libarchive undoes any compression, and the tar inside is read by tar/, byte for byte. If
 * the whole input is one member, there is no tar. Writing uses libarchive alone, because the names
 * are ours. A reader is positioned at a member or has failed; it belongs to the caller, as a writer
 * does.
 */

#include "archive/archive.h"

#include "base/fd.h"
#include "compressed/stream.h"
#include "tar/reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

enum { BLOCK_BYTES = 256 * 1024, MAX_MEMBERS = 100 * 1000 };

typedef enum {
    READER_NEW,
    READER_BEGUN,  /* the decompressed stream, libarchive's only member */
    READER_FAILED, /* decompression has failed */
} ReaderState;

struct BerthArchiveReader {
    struct archive *archive; /* the uncompressed bytes as one member */
    BerthTarReader *tar;     /* NULL if the input itself is the member */
    BerthTarEntry entry;
    ReaderState state;
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

/* libarchive has only words for a failure to read its input, which is no property of an archive. */
static bool is_read_error(const char *reason) {
    return g_str_has_prefix(reason, "Error reading fd") ||
           g_str_has_prefix(reason, "Can't stat fd");
}

/* ENOSPC and EPIPE concern the output; any other reason concerns the archive or its file. */
static bool set_error(struct archive *archive, BerthErrorCode code, const char *what,
                      GError **error) {
    const char *reason = archive_error_string(archive);
    int errnum = archive_errno(archive);

    if (errnum == ENOSPC || errnum == EPIPE)
        return berth_error_set_errno(error, errnum, "%s", what);
    if (reason && errnum > 0 && is_read_error(reason))
        return berth_error_set_errno(error, errnum, "read the archive");
    return berth_error_set(error, code, "%s: %s", what, reason ? reason : "unreadable");
}

/* A corrupt archive also ends here: the tar reader then reports what is missing, if it needs it. */
static size_t read_archive_block(void *userdata, const void **block) {
    BerthArchiveReader *reader = userdata;
    size_t size;
    int r = berth_compressed_read_block(reader->archive, block, &size);

    if (r != ARCHIVE_OK && r != ARCHIVE_EOF)
        reader->state = READER_FAILED;
    return r == ARCHIVE_OK ? size : 0;
}

/* On error, input is closed as well. */
BerthArchiveReader *berth_archive_reader_new(int input, bool plain, GError **error) {
    g_autoptr(BerthArchiveReader) reader = g_new0(BerthArchiveReader, 1);

    reader->input = input;
    reader->archive = berth_compressed_new();
    if (!plain)
        reader->tar = berth_tar_reader_new(read_archive_block, reader);
    if (archive_read_open_fd(reader->archive, input, BLOCK_BYTES) == ARCHIVE_OK)
        return g_steal_pointer(&reader);
    set_error(reader->archive, BERTH_ERROR_INVALID_ARGUMENT, "this is not a tar archive", error);
    return NULL;
}

void berth_archive_reader_free(BerthArchiveReader *reader) {
    if (!reader)
        return;
    berth_tar_reader_free(reader->tar);
    berth_tar_entry_clear(&reader->entry);
    archive_read_free(reader->archive);
    berth_fd_clear(&reader->input);
    g_free(reader);
}

/* The size of the whole is unknown until its end. */
static void set_whole(BerthArchiveMember *member) {
    member->name = g_strdup("data");
    member->target = g_strdup("");
    member->is_file = true;
}

static void archive_set_member(const BerthTarEntry *entry, BerthArchiveMember *member) {
    member->name = g_strdup(entry->path);
    member->target = g_strdup(entry->target ? entry->target : "");
    member->is_hard_link = entry->is_hard_link;
    member->is_file = !entry->is_hard_link && S_ISREG(entry->mode);
    member->size = (uint64_t)entry->size;
}

/* Consumes local. If decompression failed, the tar error is only a consequence, and libarchive's
 * own is reported. */
static bool is_damaged(BerthArchiveReader *reader, GError *local, GError **error) {
    if (reader->state == READER_FAILED) {
        g_clear_error(&local);
        return set_error(reader->archive, BERTH_ERROR_INVALID_ARGUMENT, "the archive is damaged",
                         error);
    }
    g_propagate_prefixed_error(error, local, "this is not a valid tar archive: ");
    return false;
}

static bool archive_entry_begin(BerthArchiveReader *reader, bool *more, GError **error) {
    struct archive_entry *entry;
    int r = archive_read_next_header(reader->archive, &entry);

    reader->state = READER_BEGUN;
    *more = r == ARCHIVE_OK || r == ARCHIVE_WARN;
    return *more || (r == ARCHIVE_EOF && !reader->tar) ||
           set_error(reader->archive, BERTH_ERROR_INVALID_ARGUMENT, "the archive is damaged",
                     error);
}

bool berth_archive_reader_next(BerthArchiveReader *reader, bool *more, BerthArchiveMember *member,
                               GError **error) {
    GError *local = NULL;

    *more = reader->tar != NULL;
    if (reader->state == READER_NEW && !archive_entry_begin(reader, more, error))
        return false;
    if (!*more)
        return true;
    if (!reader->tar) {
        set_whole(member);
        return true;
    }
    if (!berth_tar_reader_next(reader->tar, &reader->entry, more, &local))
        return is_damaged(reader, local, error);
    if (reader->state == READER_FAILED)
        return is_damaged(reader, NULL, error);
    if (!*more)
        return true;
    if (++reader->members > MAX_MEMBERS)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "the archive has more than %d members", MAX_MEMBERS);
    archive_set_member(&reader->entry, member);
    return true;
}

/* Reads a part of the current member; size is 0 at its end. */
static bool read_part(BerthArchiveReader *reader, const void **block, size_t *size, int64_t *offset,
                      GError **error) {
    GError *local = NULL;

    if (reader->tar)
        return berth_tar_reader_data(reader->tar, block, size, offset, &local) ||
               is_damaged(reader, local, error);
    int r = berth_compressed_read_block(reader->archive, block, size);
    if (r == ARCHIVE_EOF)
        *size = 0;
    return r == ARCHIVE_OK || r == ARCHIVE_EOF ||
           set_error(reader->archive, BERTH_ERROR_INVALID_ARGUMENT, "the archive is damaged",
                     error);
}

/* *size is only valid on success. A sparse member is refused before any of its bytes could be
 * written at the wrong offset. */
bool berth_archive_reader_extract(BerthArchiveReader *reader, int output, uint64_t limit,
                                  uint64_t *size, GError **error) {
    const void *block;
    int64_t offset = 0;
    size_t length;
    bool read;

    *size = 0;
    while ((read = read_part(reader, &block, &length, &offset, error)) && length > 0) {
        /* A hole would have to be written as zeros; no tool makes image archives with holes. */
        if (reader->tar && (uint64_t)offset != *size)
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "the archive has sparse members");
        if (length > limit - *size)
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                   "a member is larger than %" G_GUINT64_FORMAT " bytes", limit);
        if (!berth_fd_write_all(output, block, length))
            return berth_error_set_errno(error, errno, "pass a member on");
        *size += length;
    }
    if (read && reader->tar && (uint64_t)reader->entry.size != *size)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "the archive has sparse members");
    return read;
}

/* pax_restricted writes an extended header only if ustar does not suffice
 * (archive_write_format(3)). */
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

/* Only regular files with fixed modes: berthd chooses the names, and the contents are blobs. */
static bool archive_write_header_block(BerthArchiveWriter *writer, const char *name, uint64_t size,
                                       GError **error) {
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    /* The same content yields the same archive. */
    archive_entry_set_mtime(entry, 0, 0);
    int r = archive_write_header(writer->archive, entry);
    archive_entry_free(entry);
    return r == ARCHIVE_OK ||
           set_error(writer->archive, BERTH_ERROR_INTERNAL, "write the archive", error);
}

/* In a tar the size precedes the content, so content that ends early is an error; any excess is
 * ignored. */
bool berth_archive_writer_add(BerthArchiveWriter *writer, const char *name, uint64_t size,
                              int content, GError **error) {
    uint64_t done = 0;

    if (!archive_write_header_block(writer, name, size, error))
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
