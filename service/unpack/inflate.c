/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A BerthInflate belongs to the stream's thread. It alternates between taking input and producing
 * output; the content may only end between two members, or in the padding. Both gzip and zstd allow
 * several consecutive members or frames, and registries have layers with either.
 */

#include "unpack/inflate.h"

#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

/* 128 MiB: the default limit of zstd(1), which fits into a worker's memory. A window of this size
 * is allocated only for frames that need it. */
enum { ZSTD_WINDOW_LOG = 27 };

enum { GZIP_MAGIC_BYTE = 0x1f };

typedef enum { FORMAT_NONE, FORMAT_GZIP, FORMAT_ZSTD } Format;

typedef enum {
    INFLATE_MEMBER,  /* in a member (gzip) or frame (zstd), or before the first one */
    INFLATE_BETWEEN, /* after a complete one, before any byte of another */
    INFLATE_PADDING, /* in zeros after the last one, as tape tools leave them */
} InflateState;

struct BerthInflate {
    Format format;
    InflateState state;
    const uint8_t *input;
    size_t input_size;
    struct inflate_state gzip;
    ZSTD_DStream *zstd;
};

/* A stream may begin with skippable frames (RFC 8878, section 3.1.2). */
static bool is_zstd(const uint8_t *first, size_t size) {
    return size >= 4 && (memcmp(first, "\x28\xb5\x2f\xfd", 4) == 0 ||
                         ((first[0] & 0xf0) == 0x50 && memcmp(first + 1, "\x2a\x4d\x18", 3) == 0));
}

/* The magic number decides, not the media type (RFC 1952, section 2.3.1; RFC 8878, section 3.1.1).
 * Anything else is passed through unchanged. */
BerthInflate *berth_inflate_new(const uint8_t *first, size_t size, GError **error) {
    g_autoptr(BerthInflate) inflate = g_new0(BerthInflate, 1);

    if (size >= 2 && first[0] == GZIP_MAGIC_BYTE && first[1] == 0x8b) {
        inflate->format = FORMAT_GZIP;
        isal_inflate_init(&inflate->gzip);
        inflate->gzip.crc_flag = ISAL_GZIP;
    } else if (is_zstd(first, size)) {
        inflate->format = FORMAT_ZSTD;
        inflate->zstd = ZSTD_createDStream();
        if (!inflate->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(
                                  inflate->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) {
            berth_error_set(error, BERTH_ERROR_INTERNAL, "set up zstd");
            return NULL;
        }
    }
    return g_steal_pointer(&inflate);
}

void berth_inflate_free(BerthInflate *inflate) {
    if (!inflate)
        return;
    ZSTD_freeDStream(inflate->zstd);
    g_free(inflate);
}

void berth_inflate_give(BerthInflate *inflate, const uint8_t *input, size_t size) {
    inflate->input = input;
    inflate->input_size = size;
}

static size_t take_plain(BerthInflate *inflate, uint8_t *output, size_t size) {
    size_t count = MIN(size, inflate->input_size);

    memcpy(output, inflate->input, count);
    inflate->input += count;
    inflate->input_size -= count;
    return count;
}

/* Between two members: starts the next one, or skips padding. Returns false with error if anything
 * else follows. */
static bool start_member(BerthInflate *inflate, GError **error) {
    if (inflate->input[0] != GZIP_MAGIC_BYTE || inflate->state == INFLATE_PADDING) {
        inflate->state = INFLATE_PADDING;
        for (size_t i = 0; i < inflate->input_size; i++)
            if (inflate->input[i] != 0)
                return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                       "the gzip data is followed by something else");
        inflate->input_size = 0;
        return true;
    }
    isal_inflate_reset(&inflate->gzip);
    inflate->gzip.crc_flag = ISAL_GZIP;
    inflate->state = INFLATE_MEMBER;
    return true;
}

/* igzip processes one member at a time and checks its CRC; its state after the last byte shows that
 * the member is complete. */
static ssize_t take_gzip(BerthInflate *inflate, uint8_t *output, size_t size, GError **error) {
    struct inflate_state *gzip = &inflate->gzip;
    size_t produced = 0;

    while (produced == 0) {
        if (inflate->state != INFLATE_MEMBER && inflate->input_size > 0 &&
            !start_member(inflate, error))
            return -1;
        if (inflate->state != INFLATE_MEMBER)
            return 0;
        gzip->next_in = (uint8_t *)inflate->input;
        gzip->avail_in = (uint32_t)inflate->input_size;
        gzip->next_out = output;
        gzip->avail_out = (uint32_t)size;
        int r = isal_inflate(gzip);
        if (r < 0 || r == ISAL_NEED_DICT) {
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "the gzip data is corrupt");
            return -1;
        }
        inflate->input = gzip->next_in;
        inflate->input_size = gzip->avail_in;
        produced = size - gzip->avail_out;
        if (gzip->block_state == ISAL_BLOCK_FINISH)
            inflate->state = INFLATE_BETWEEN;
        if (inflate->input_size == 0)
            break;
    }
    return (ssize_t)produced;
}

static ssize_t take_zstd(BerthInflate *inflate, uint8_t *output, size_t size, GError **error) {
    ZSTD_outBuffer out = {output, size, 0};
    ZSTD_inBuffer in = {inflate->input, inflate->input_size, 0};

    do {
        /* Even without input, zstd may hold output that did not fit before. */
        size_t r = ZSTD_decompressStream(inflate->zstd, &out, &in);
        if (ZSTD_isError(r)) {
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "the zstd data is corrupt: %s",
                            ZSTD_getErrorName(r));
            return -1;
        }
        inflate->state = r == 0 ? INFLATE_BETWEEN : INFLATE_MEMBER;
    } while (out.pos == 0 && in.pos < in.size);
    inflate->input += in.pos;
    inflate->input_size -= in.pos;
    return (ssize_t)out.pos;
}

ssize_t berth_inflate_take(BerthInflate *inflate, uint8_t *output, size_t size, GError **error) {
    switch (inflate->format) {
    case FORMAT_GZIP:
        return take_gzip(inflate, output, size, error);
    case FORMAT_ZSTD:
        if (inflate->input_size == 0 && inflate->state != INFLATE_MEMBER)
            return 0;
        return take_zstd(inflate, output, size, error);
    case FORMAT_NONE:
    default:
        return (ssize_t)take_plain(inflate, output, size);
    }
}

bool berth_inflate_check_end(BerthInflate *inflate, GError **error) {
    if (inflate->format == FORMAT_NONE || inflate->state != INFLATE_MEMBER)
        return true;
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "the compressed data is truncated");
}
