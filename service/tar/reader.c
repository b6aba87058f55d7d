/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads blocks in their order: extended headers and long names precede the member that they are
 * for, and a sparse file's map precedes its content. A tar may end without its final zeros, and its
 * last member without its padding; it may not end within a member. A reader belongs to the caller,
 * and is always at one member or at the end.
 *
 * This is not libarchive: that composes names (NFC), takes the type and mode from SCHILY.acl,
 * counts fractions of negative times in the wrong direction, and has no switch for any of this.
 */

#include "tar/reader.h"

#include "tar/header.h"
#include "tar/pax.h"

#include <string.h>

/* An extended header is read as a whole; large xattrs have 64 KiB each. */
enum { MAX_EXTENSION_BYTES = 8 * 1024 * 1024, SPARSE_IN_HEADER = 4, SPARSE_IN_BLOCK = 21 };

struct BerthTarReader {
    BerthTarFetch fetch;
    void *userdata;
    const char *block; /* the rest of the current block */
    size_t left;
    int64_t stored; /* bytes of the member's body that have not been read */
    size_t padding; /* after the body */
    GArray *chunks; /* of BerthTarChunk: where the body goes */
    guint chunk;
    BerthTarPax pax;
    char *long_path, *long_target;
    bool ended;
};

BerthTarReader *berth_tar_reader_new(BerthTarFetch fetch, void *userdata) {
    BerthTarReader *reader = g_new0(BerthTarReader, 1);

    reader->fetch = fetch;
    reader->userdata = userdata;
    reader->chunks = g_array_new(FALSE, FALSE, sizeof(BerthTarChunk));
    return reader;
}

void berth_tar_reader_free(BerthTarReader *reader) {
    if (!reader)
        return;
    berth_tar_pax_clear(&reader->pax);
    g_array_unref(reader->chunks);
    g_free(reader->long_path);
    g_free(reader->long_target);
    g_free(reader);
}

/* Returns a view of at most size bytes of the block; 0 at the end. The block belongs to fetch, so
 * content is not copied; it is valid until the next call. */
static size_t view_bytes(BerthTarReader *reader, size_t size, const void **data) {
    if (reader->left == 0) {
        const void *block = NULL;
        reader->left = reader->ended ? 0 : reader->fetch(reader->userdata, &block);
        reader->block = block;
        reader->ended = reader->left == 0;
    }
    size = MIN(size, reader->left);
    *data = reader->block;
    reader->block += size;
    reader->left -= size;
    return size;
}

static size_t read_bytes(BerthTarReader *reader, void *to, size_t size) {
    size_t done = 0, got;
    const void *data;

    while (done < size && (got = view_bytes(reader, size - done, &data)) > 0) {
        memcpy((char *)to + done, data, got);
        done += got;
    }
    return done;
}

/* False at the end of the input. */
static bool skip_bytes(BerthTarReader *reader, uint64_t size) {
    const void *data;
    size_t got;

    for (; size > 0; size -= got)
        if ((got = view_bytes(reader, (size_t)MIN(size, (uint64_t)G_MAXSSIZE), &data)) == 0)
            return false;
    return true;
}

static bool is_truncated(GError **error) {
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "it is truncated");
}

static void set_body(BerthTarReader *reader, int64_t size) {
    reader->stored = size;
    reader->padding = (size_t)(-(uint64_t)size % BERTH_TAR_BLOCK_BYTES); /* up to a full block */
}

static bool skip_body(BerthTarReader *reader, GError **error) {
    if (!skip_bytes(reader, (uint64_t)reader->stored))
        return is_truncated(error);
    /* Some tools omit the last member's padding. */
    (void)skip_bytes(reader, reader->padding);
    set_body(reader, 0);
    return true;
}

/* Reads the whole body as text, for members that describe the next one. */
static char *read_extension(BerthTarReader *reader, const BerthTarEntry *entry, GError **error) {
    set_body(reader, entry->size);
    if (entry->size > MAX_EXTENSION_BYTES) {
        berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                        "an extended header has %" G_GINT64_FORMAT " bytes; at most %d are read",
                        entry->size, MAX_EXTENSION_BYTES);
        return NULL;
    }
    g_autofree char *text = g_malloc((size_t)entry->size + 1);
    size_t got = read_bytes(reader, text, (size_t)entry->size);
    text[got] = '\0';
    reader->stored -= (int64_t)got;
    return skip_body(reader, error) ? g_steal_pointer(&text) : NULL;
}

/* taken tells whether the member described another one (an extended header, a long name) and was
 * consumed. */
static bool take_extension(BerthTarReader *reader, const BerthTarHeader *header,
                           const BerthTarEntry *entry, bool *taken, GError **error) {
    g_autofree char *text = NULL;

    *taken = true;
    switch (header->type) {
    case 'x':
    case 'X':
        text = read_extension(reader, entry, error);
        return text && berth_tar_pax_read(&reader->pax, text, (size_t)entry->size, error);
    case 'L':
    case 'K':
        if (!(text = read_extension(reader, entry, error)))
            return false;
        char **name = header->type == 'L' ? &reader->long_path : &reader->long_target;
        g_free(*name);
        *name = g_strdup(text);
        return true;
    case 'g': /* for the whole archive; no tool that makes layers uses it */
    case 'A': /* Solaris ACLs */
    case 'V': /* the volume's name */
        set_body(reader, entry->size);
        return skip_body(reader, error);
    default:
        *taken = false;
        return true;
    }
}

static void reader_add_chunk(BerthTarReader *reader, int64_t offset, int64_t size) {
    const BerthTarChunk chunk = {offset, size};

    g_array_append_val(reader->chunks, chunk);
}

/* Pairs of numbers in a block of GNU's old sparse format; one without a size ends them. */
static bool read_pax_pairs(BerthTarReader *reader, const char *pairs, unsigned count,
                           GError **error) {
    int64_t offset, size;

    for (unsigned i = 0; i < count && pairs[i * 24] != '\0'; i++) {
        if (!berth_tar_header_number(pairs + i * 24, 12, &offset, error) ||
            !berth_tar_header_number(pairs + i * 24 + 12, 12, &size, error))
            return false;
        reader_add_chunk(reader, offset, size);
    }
    return true;
}

/* Offsets are relative to rest, which begins at byte 345 of the block: the map is at 386, the flag
 * for more blocks at 482 and the real size at 483. */
static bool read_old_sparse(BerthTarReader *reader, const BerthTarHeader *header,
                            BerthTarEntry *entry, GError **error) {
    char block[BERTH_TAR_BLOCK_BYTES];
    bool more = header->rest[137] != 0;

    if (!read_pax_pairs(reader, header->rest + 41, SPARSE_IN_HEADER, error))
        return false;
    while (more) {
        if (read_bytes(reader, block, sizeof block) != sizeof block)
            return is_truncated(error);
        if (!read_pax_pairs(reader, block, SPARSE_IN_BLOCK, error))
            return false;
        more = block[SPARSE_IN_BLOCK * 24] != 0;
    }
    return berth_tar_header_number(header->rest + 138, 12, &entry->size, error);
}

/* Reads a number and its newline; 23 characters hold any 64-bit number. One byte at a time, since
 * what follows the map is content that must not be consumed. */
static bool read_pax_line(BerthTarReader *reader, int64_t *number, GError **error) {
    char text[24];
    size_t length = 0;

    while (reader->stored > 0 && length < sizeof text - 1 &&
           read_bytes(reader, &text[length], 1) == 1) {
        reader->stored--;
        if (text[length] == '\n') {
            text[length] = '\0';
            return berth_tar_pax_number(text, number, error);
        }
        length++;
    }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "a sparse file's map is malformed");
}

/* Version 1.0: numbers, one per line, before the content, padded to a full block. */
static bool read_inner_map(BerthTarReader *reader, GError **error) {
    int64_t count, offset, size, before = reader->stored;

    if (!read_pax_line(reader, &count, error))
        return false;
    for (int64_t i = 0; i < count; i++) {
        if (!read_pax_line(reader, &offset, error) || !read_pax_line(reader, &size, error))
            return false;
        reader_add_chunk(reader, offset, size);
    }
    int64_t rest = (int64_t)(-(uint64_t)(before - reader->stored) % BERTH_TAR_BLOCK_BYTES);
    if (rest > reader->stored || !skip_bytes(reader, (uint64_t)rest))
        return is_truncated(error);
    reader->stored -= rest;
    return true;
}

/* The parts must be in order, not overlap, lie within the file and require no more than is stored:
 * each becomes a write at its offset. */
static bool check_chunks(BerthTarReader *reader, int64_t size, GError **error) {
    int64_t end = 0, stored = 0;

    for (guint i = 0; i < reader->chunks->len; i++) {
        const BerthTarChunk *chunk = &g_array_index(reader->chunks, BerthTarChunk, i);
        if (chunk->offset < end || chunk->size < 0 || chunk->offset > size ||
            chunk->size > size - chunk->offset)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "a sparse file's map is malformed");
        end = chunk->offset + chunk->size;
        stored += chunk->size;
    }
    return stored <= reader->stored || is_truncated(error);
}

/* check_chunks() is called last for every kind of map, since all of it comes from the archive. */
static bool begin_file(BerthTarReader *reader, const BerthTarHeader *header, BerthTarEntry *entry,
                       GError **error) {
    BerthTarPax *pax = &reader->pax;

    if (header->type == 'S' && berth_tar_header_is_gnu(header)) {
        if (!read_old_sparse(reader, header, entry, error))
            return false;
    } else if (pax->is_sparse) {
        if (pax->has_sparse_size)
            entry->size = pax->sparse_size;
        for (guint i = 0; pax->chunks && i < pax->chunks->len; i++)
            g_array_append_val(reader->chunks, g_array_index(pax->chunks, BerthTarChunk, i));
        if (pax->has_inner_map && !read_inner_map(reader, error))
            return false;
    } else {
        reader_add_chunk(reader, 0, entry->size);
    }
    return check_chunks(reader, entry->size, error);
}

/* Applies the extensions to the member that they precede, and finds its content. */
static bool begin_member(BerthTarReader *reader, const BerthTarHeader *header, BerthTarEntry *entry,
                         GError **error) {
    BerthTarPax *pax = &reader->pax;

    if (pax->has_size)
        entry->size = pax->size;
    if (entry->size < 0)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "a size is negative");
    berth_tar_pax_apply(pax, entry);
    if (reader->long_path) {
        g_free(entry->path);
        entry->path = g_steal_pointer(&reader->long_path);
    }
    if (reader->long_target && entry->target) {
        g_free(entry->target);
        entry->target = g_steal_pointer(&reader->long_target);
    }
    g_clear_pointer(&reader->long_target, g_free);
    g_array_set_size(reader->chunks, 0);
    reader->chunk = 0;
    /* Before there was a type for them, directories were files whose name ends in a slash. */
    if (header->type == '\0' && g_str_has_suffix(entry->path, "/"))
        entry->mode = S_IFDIR | (entry->mode & 07777);
    /* Links, directories and devices have no body, whatever size is stated. Only directories of
     * GNU's incremental archives have one, a list of names that is not needed here. */
    bool is_file = S_ISREG(entry->mode) && !entry->is_hard_link;
    set_body(reader, is_file || header->type == 'D' ? entry->size : 0);
    if (!is_file)
        entry->size = 0;
    bool begun = !is_file || begin_file(reader, header, entry, error);
    berth_tar_pax_clear(pax);
    return begun;
}

/* Reads one block; what is missing at the end of the input reads as zeros. */
static size_t read_block(BerthTarReader *reader, BerthTarHeader *header) {
    size_t got = read_bytes(reader, header, sizeof *header);

    memset((char *)header + got, 0, sizeof *header - got);
    return got;
}

/* Two blocks of zeros end the tar (pax(1)); at the end of the input one or both may be missing. A
 * single one followed by anything else is refused, as other readers do: what follows would be lost
 * silently. */
static bool read_header(BerthTarReader *reader, BerthTarHeader *header, bool *more,
                        GError **error) {
    size_t got = read_block(reader, header);

    *more = !berth_tar_header_is_zero(header);
    if (*more && got < sizeof *header)
        return is_truncated(error);
    if (*more)
        return berth_tar_header_check(header, error);
    (void)read_block(reader, header);
    return berth_tar_header_is_zero(header) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "a single zero block is followed by other data");
}

/* Skips what the caller has not read of the current member, then consumes extensions up to the next
 * one. */
static bool next_member(BerthTarReader *reader, BerthTarEntry *entry, bool *more, GError **error) {
    BerthTarHeader header;
    bool taken = true;

    if (!skip_body(reader, error))
        return false;
    while (taken) {
        berth_tar_entry_clear(entry);
        if (!read_header(reader, &header, more, error))
            return false;
        if (!*more)
            return true;
        if (!berth_tar_header_read(&header, entry, error) ||
            !take_extension(reader, &header, entry, &taken, error))
            return false;
    }
    return begin_member(reader, &header, entry, error);
}

bool berth_tar_reader_next(BerthTarReader *reader, BerthTarEntry *entry, bool *more,
                           GError **error) {
    g_autoptr(GError) local = NULL;

    if (next_member(reader, entry, more, &local))
        return true;
    berth_tar_entry_clear(entry);
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* Returns a part no longer than the current block; size is 0 at the end. offset is its position in
 * the file, which differs from the amount read so far if the file is sparse. */
bool berth_tar_reader_data(BerthTarReader *reader, const void **data, size_t *size, int64_t *offset,
                           GError **error) {
    BerthTarChunk *chunk = NULL;

    *size = 0;
    while (reader->chunk < reader->chunks->len) {
        chunk = &g_array_index(reader->chunks, BerthTarChunk, reader->chunk);
        if (chunk->size > 0)
            break;
        reader->chunk++;
    }
    if (reader->chunk >= reader->chunks->len)
        return true;
    *size = view_bytes(reader, (size_t)chunk->size, data);
    if (*size == 0)
        return is_truncated(error);
    *offset = chunk->offset;
    chunk->offset += (int64_t)*size;
    chunk->size -= (int64_t)*size;
    reader->stored -= (int64_t)*size;
    return true;
}
