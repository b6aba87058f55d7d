/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes a tar; the caller owns the writer and its output. The same entries yield the same bytes.
 * An extended header only has what the ustar header cannot express: long or non-ASCII names, large
 * numbers, exact times, xattrs.
 */

#include "tar/writer.h"

#include "base/fd.h"
#include "tar/header.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

enum { BUFFER_BYTES = 256 * 1024, NANOSECONDS = 1000000000 };

struct BerthTarWriter {
    int output;
    char *buffer;
    size_t filled;
    uint64_t padding; /* after the current member */
};

static const char zeros[2 * BERTH_TAR_BLOCK_BYTES];

BerthTarWriter *berth_tar_writer_new(int output) {
    BerthTarWriter *writer = g_new0(BerthTarWriter, 1);

    writer->output = output;
    writer->buffer = g_malloc(BUFFER_BYTES);
    return writer;
}

void berth_tar_writer_free(BerthTarWriter *writer) {
    if (!writer)
        return;
    g_free(writer->buffer);
    g_free(writer);
}

static bool flush_buffer(BerthTarWriter *writer, GError **error) {
    size_t size = writer->filled;

    writer->filled = 0;
    return berth_fd_write_all(writer->output, writer->buffer, size) ||
           berth_error_set_errno(error, errno, "write the tar");
}

/* Combines small writes, such as headers of 512 bytes, into one system call. */
bool berth_tar_writer_write(BerthTarWriter *writer, const void *data, size_t size, GError **error) {
    while (size > 0) {
        size_t part = MIN(size, BUFFER_BYTES - writer->filled);
        memcpy(writer->buffer + writer->filled, data, part);
        writer->filled += part;
        data = (const char *)data + part;
        size -= part;
        if (writer->filled == BUFFER_BYTES && !flush_buffer(writer, error))
            return false;
    }
    return true;
}

static void pax_add_record(GString *pax, const char *key, const void *value, size_t size) {
    /* The length includes its own digits. */
    size_t rest = strlen(key) + size + 3, length = rest + 1;

    for (size_t before = 0; before != length;) {
        g_autofree char *digits = g_strdup_printf("%zu", before = length);
        length = rest + strlen(digits);
    }
    g_string_append_printf(pax, "%zu %s=", length, key);
    g_string_append_len(pax, value, (gssize)size);
    g_string_append_c(pax, '\n');
}

/* pax(1) leaves the character set of names in a ustar header undefined, so a name that is not ASCII
 * goes into a record. */
static bool needs_record(const char *text, size_t room) {
    return text && (strlen(text) > room || !g_str_is_ascii(text));
}

static void add_number(GString *pax, const char *key, int64_t value) {
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);

    pax_add_record(pax, key, text, strlen(text));
}

/* The number of octal digits limits sizes to 8 GiB and ids to 2097151; larger numbers go into the
 * extended header. */
static bool fits_header(int64_t value, unsigned digits) {
    return value >= 0 && value >> (3 * digits) == 0;
}

static void add_time(GString *pax, const struct timespec *time) {
    int64_t seconds = time->tv_sec, nanoseconds = time->tv_nsec;
    bool negative = seconds < 0 && nanoseconds > 0;

    /* The fraction extends away from zero. */
    if (negative) {
        seconds++;
        nanoseconds = NANOSECONDS - nanoseconds;
    }
    g_autofree char *text =
        g_strdup_printf("%s%" G_GINT64_FORMAT ".%09" G_GINT64_FORMAT,
                        negative && seconds == 0 ? "-" : "", seconds, nanoseconds);
    size_t length = strlen(text);
    while (text[length - 1] == '0')
        length--;
    pax_add_record(pax, "mtime", text, text[length - 1] == '.' ? length - 1 : length);
}

static GString *make_pax(const BerthTarEntry *entry) {
    g_autoptr(GString) pax = g_string_new(NULL);
    bool long_path = needs_record(entry->path, sizeof((BerthTarHeader *)0)->name);
    bool long_target = needs_record(entry->target, sizeof((BerthTarHeader *)0)->target);

    /* There is no record of the character set: GNU tar warns about it, and no reader uses it. */
    if (long_path)
        pax_add_record(pax, "path", entry->path, strlen(entry->path));
    if (long_target)
        pax_add_record(pax, "linkpath", entry->target, strlen(entry->target));
    if (!fits_header(entry->uid, 7))
        add_number(pax, "uid", entry->uid);
    if (!fits_header(entry->gid, 7))
        add_number(pax, "gid", entry->gid);
    if (!fits_header(entry->size, 11))
        add_number(pax, "size", entry->size);
    if (!fits_header(entry->mtime.tv_sec, 11) || entry->mtime.tv_nsec != 0)
        add_time(pax, &entry->mtime);
    for (guint i = 0; entry->xattr_names && i < entry->xattr_names->len; i++) {
        g_autofree char *key = g_strconcat("SCHILY.xattr.", entry->xattr_names->pdata[i], NULL);
        gsize size;
        const void *value = g_bytes_get_data(entry->xattr_values->pdata[i], &size);
        /* An empty value would mean that there is none. */
        if (size > 0)
            pax_add_record(pax, key, value, size);
    }
    if (entry->access_acl)
        pax_add_record(pax, "SCHILY.acl.access", entry->access_acl, strlen(entry->access_acl));
    if (entry->default_acl)
        pax_add_record(pax, "SCHILY.acl.default", entry->default_acl, strlen(entry->default_acl));
    return g_steal_pointer(&pax);
}

static void put_number(char *field, unsigned digits, int64_t value) {
    char text[24];

    /* A number that does not fit is in the extended header. */
    g_snprintf(text, sizeof text, "%0*" G_GINT64_MODIFIER "o", (int)digits,
               fits_header(value, digits) ? value : 0);
    memcpy(field, text, digits);
}

static char type_of(const BerthTarEntry *entry) {
    if (entry->is_hard_link)
        return '1';
    switch (entry->mode & S_IFMT) {
    case S_IFLNK:
        return '2';
    case S_IFCHR:
        return '3';
    case S_IFBLK:
        return '4';
    case S_IFDIR:
        return '5';
    case S_IFIFO:
        return '6';
    default:
        return '0';
    }
}

/* A name that fills its field has no terminating NUL, as ustar allows. A longer one is cut off
 * here; the record before it has all of it. */
static bool writer_write_header(BerthTarWriter *writer, const BerthTarEntry *entry, char type,
                                GError **error) {
    BerthTarHeader header = {.magic = "ustar", .version = "00", .type = type};

    memcpy(header.name, entry->path, MIN(strlen(entry->path), sizeof header.name));
    if (entry->target)
        memcpy(header.target, entry->target, MIN(strlen(entry->target), sizeof header.target));
    put_number(header.mode, 7, entry->mode & 07777);
    put_number(header.uid, 7, entry->uid);
    put_number(header.gid, 7, entry->gid);
    put_number(header.size, 11, entry->size);
    put_number(header.mtime, 11, entry->mtime.tv_sec);
    put_number(header.major, 7, major(entry->device));
    put_number(header.minor, 7, minor(entry->device));
    berth_tar_header_seal(&header);
    return berth_tar_writer_write(writer, &header, sizeof header, error);
}

static bool pad_to_block(BerthTarWriter *writer, GError **error) {
    size_t padding = (size_t)writer->padding;

    writer->padding = 0;
    return berth_tar_writer_write(writer, zeros, padding, error);
}

static uint64_t padding_of(uint64_t size) {
    return -size % BERTH_TAR_BLOCK_BYTES;
}

/* The name, mode and time are fixed, so that the same entry yields the same bytes. */
static bool write_pax(BerthTarWriter *writer, const GString *pax, GError **error) {
    BerthTarEntry entry = {
        .path = (char *)"././@PaxHeader", .mode = 0644, .size = (int64_t)pax->len};

    writer->padding = padding_of(pax->len);
    return writer_write_header(writer, &entry, 'x', error) &&
           berth_tar_writer_write(writer, pax->str, pax->len, error) && pad_to_block(writer, error);
}

/* The padding of the previous member is written only now: until then its content arrived through
 * berth_tar_writer_write(). */
bool berth_tar_writer_add(BerthTarWriter *writer, const BerthTarEntry *entry, GError **error) {
    g_autoptr(GString) pax = make_pax(entry);

    if (!pad_to_block(writer, error) || (pax->len > 0 && !write_pax(writer, pax, error)))
        return false;
    writer->padding = padding_of((uint64_t)entry->size);
    return writer_write_header(writer, entry, type_of(entry), error);
}

/* Two blocks of zeros end a tar (pax(1)). */
bool berth_tar_writer_finish(BerthTarWriter *writer, GError **error) {
    return pad_to_block(writer, error) &&
           berth_tar_writer_write(writer, zeros, sizeof zeros, error) &&
           flush_buffer(writer, error);
}
