/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses header blocks as tools write them in practice: blanks around numbers, no terminators,
 * either kind of checksum. The meaning of a type is decided here; the reader decides which types
 * have a body. There is no state.
 */

#include "tar/header.h"

#include <string.h>
#include <sys/sysmacros.h>

bool berth_tar_header_is_zero(const BerthTarHeader *header) {
    static const BerthTarHeader zero;

    return memcmp(header, &zero, sizeof zero) == 0;
}

bool berth_tar_header_is_gnu(const BerthTarHeader *header) {
    return memcmp(header->magic, "ustar ", 6) == 0;
}

/* Five letters and a NUL byte; GNU's old magic has a blank instead. */
static bool is_posix(const BerthTarHeader *header) {
    return memcmp(header->magic, "ustar", 6) == 0;
}

/* GNU's form for numbers that do not fit as octal digits: the highest bit of the field marks it,
 * and the rest is a big-endian two's complement number. */
static bool read_base_256(const unsigned char *field, size_t size, int64_t *value, GError **error) {
    bool negative = field[0] & 0x40;
    uint64_t number = negative ? ~(uint64_t)0x3f | (field[0] & 0x3f) : field[0] & 0x3f;

    for (size_t i = 1; i < size; i++) {
        /* The bits shifted out may only repeat the sign. */
        if ((number >> 55) != (negative ? 0x1ff : 0))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "a number in a header is too large");
        number = number << 8 | field[i];
    }
    *value = (int64_t)number;
    return true;
}

bool berth_tar_header_number(const char *field, size_t size, int64_t *value, GError **error) {
    uint64_t number = 0;
    size_t i = 0;

    if ((unsigned char)field[0] & 0x80)
        return read_base_256((const unsigned char *)field, size, value, error);
    while (i < size && (field[i] == ' ' || field[i] == '\0'))
        i++;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        number = number << 3 | (uint64_t)(field[i] - '0');
    if (i < size && field[i] != ' ' && field[i] != '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a number in a header is malformed");
    *value = (int64_t)number;
    return true;
}

/* pax(1): the checksum field itself counts as blanks. */
static void header_sum_bytes(const BerthTarHeader *header, int64_t *sum, int64_t *signed_sum) {
    const unsigned char *bytes = (const unsigned char *)header;
    const size_t start = offsetof(BerthTarHeader, checksum);

    *sum = *signed_sum = 0;
    for (size_t i = 0; i < sizeof *header; i++) {
        unsigned char byte = i >= start && i < start + sizeof header->checksum ? ' ' : bytes[i];
        *sum += byte;
        *signed_sum += (signed char)byte;
    }
}

bool berth_tar_header_check(const BerthTarHeader *header, GError **error) {
    int64_t stated, sum, signed_sum;

    if (!berth_tar_header_number(header->checksum, sizeof header->checksum, &stated, error))
        return false;
    header_sum_bytes(header, &sum, &signed_sum);
    /* Some old programs summed signed characters. */
    return stated == sum || stated == signed_sum ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "a header's checksum is wrong");
}

/* Six digits, a NUL and a blank, as most tools write it. */
void berth_tar_header_seal(BerthTarHeader *header) {
    int64_t sum, signed_sum;
    char text[sizeof header->checksum];

    header_sum_bytes(header, &sum, &signed_sum);
    g_snprintf(text, sizeof text, "%06o", (unsigned)sum);
    memcpy(header->checksum, text, 7);
    header->checksum[7] = ' ';
}

static char *read_name(const BerthTarHeader *header) {
    g_autofree char *name = g_strndup(header->name, sizeof header->name);
    /* star has times after a shorter prefix, and "tar" at the end of the block. */
    bool is_star = memcmp(header->rest + 163, "tar", 4) == 0;

    if (!is_posix(header) || header->rest[0] == '\0')
        return g_steal_pointer(&name);
    g_autofree char *prefix = g_strndup(header->rest, is_star ? 131 : 155);
    return g_strconcat(prefix, "/", name, NULL);
}

static mode_t read_type(char type) {
    switch (type) {
    case '2':
        return S_IFLNK;
    case '3':
        return S_IFCHR;
    case '4':
        return S_IFBLK;
    case '5':
    case 'D':
        return S_IFDIR;
    case '6':
        return S_IFIFO;
    default:
        /* Unknown types as well, as pax(1) requires. */
        return S_IFREG;
    }
}

bool berth_tar_header_read(const BerthTarHeader *header, BerthTarEntry *entry, GError **error) {
    int64_t mode, uid, gid, mtime, major = 0, minor = 0;

#define READ(field, value)                                                                         \
    berth_tar_header_number(header->field, sizeof header->field, value, error)
    if (!READ(mode, &mode) || !READ(uid, &uid) || !READ(gid, &gid) || !READ(mtime, &mtime) ||
        !READ(size, &entry->size))
        return false;
    bool has_device = header->type == '3' || header->type == '4';
    if (has_device && (!READ(major, &major) || !READ(minor, &minor)))
        return false;
#undef READ
    if (entry->size < 0)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "a size is negative");
    entry->path = read_name(header);
    entry->is_hard_link = header->type == '1';
    if (entry->is_hard_link || header->type == '2')
        entry->target = g_strndup(header->target, sizeof header->target);
    entry->mode = read_type(header->type) | ((mode_t)mode & 07777);
    entry->uid = (uid_t)uid;
    entry->gid = (gid_t)gid;
    entry->mtime.tv_sec = mtime;
    entry->device = makedev((unsigned)major, (unsigned)minor);
    return true;
}
