/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Image archives: tar files with any compression, read and written member by member (libarchive).
 * The meaning of members is not known here.
 */

#pragma once

#include "base/error.h"

#include <stdint.h>

typedef struct BerthArchiveReader BerthArchiveReader;
typedef struct BerthArchiveWriter BerthArchiveWriter;

typedef struct {
    char *name;   /* as in the archive */
    char *target; /* of a hard or symbolic link; "" otherwise */
    bool is_hard_link, is_file;
    uint64_t size;
} BerthArchiveMember;

void berth_archive_member_clear(BerthArchiveMember *member);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthArchiveMember, berth_archive_member_clear)

/* Takes ownership of input. plain: the whole input, uncompressed, is one member. */
BerthArchiveReader *berth_archive_reader_new(int input, bool plain, GError **error);
void berth_archive_reader_free(BerthArchiveReader *reader);

/* Reads the next member; more is false at the end. */
bool berth_archive_reader_next(BerthArchiveReader *reader, bool *more, BerthArchiveMember *member,
                               GError **error);
/* Writes the current member's content; LimitExceeded beyond limit bytes. */
bool berth_archive_reader_extract(BerthArchiveReader *reader, int output, uint64_t limit,
                                  uint64_t *size, GError **error);

/* Takes ownership of output. */
BerthArchiveWriter *berth_archive_writer_new(int output, GError **error);
void berth_archive_writer_free(BerthArchiveWriter *writer);

/* Adds a file of size bytes, read from the current position of content. */
bool berth_archive_writer_add(BerthArchiveWriter *writer, const char *name, uint64_t size,
                              int content, GError **error);
bool berth_archive_writer_finish(BerthArchiveWriter *writer, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthArchiveReader, berth_archive_reader_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthArchiveWriter, berth_archive_writer_free)
