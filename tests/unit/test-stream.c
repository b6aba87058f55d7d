/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tar stream of a layer: compression formats, limits and corrupt data. */

#include "base/fd.h"
#include "unpack/stream.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

enum { PLAIN_BYTES = 3 * 1024 * 1024 + 17 };

static uint8_t *make_plain(void) {
    uint8_t *plain = g_malloc(PLAIN_BYTES);

    for (int i = 0; i < PLAIN_BYTES; i++)
        plain[i] = (uint8_t)(i * 31 ^ (i >> 9));
    return plain;
}

static GBytes *gzip(const void *data, size_t size) {
    g_autoptr(GConverter) compressor =
        G_CONVERTER(g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, 6));
    g_autoptr(GOutputStream) memory = g_memory_output_stream_new_resizable();
    g_autoptr(GOutputStream) stream = g_converter_output_stream_new(memory, compressor);

    g_assert_true(g_output_stream_write_all(stream, data, size, NULL, NULL, NULL));
    g_assert_true(g_output_stream_close(stream, NULL, NULL));
    return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(memory));
}

static int file_with(const void *data, size_t size) {
    int fd = memfd_create("layer", 0);

    g_assert_true(berth_fd_write_all(fd, data, size));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Reads everything through a stream and returns its digest, or NULL with error. */
static char *digest_of(const void *data, size_t size, uint64_t limit, GError **error) {
    berth_autofd int fd = file_with(data, size);
    g_autoptr(BerthInput) input = berth_input_new(fd);
    g_autoptr(BerthStream) stream = berth_stream_new(input, BERTH_ALGORITHM_SHA256, limit, error);
    char *digest = NULL;
    uint64_t plain_size;

    return berth_stream_finish(stream, &digest, &plain_size, error) ? digest : NULL;
}

static void test_every_format_gives_the_same(void) {
    g_autofree uint8_t *plain = make_plain();
    g_autofree char *expected = berth_hash_data(BERTH_ALGORITHM_SHA256, plain, PLAIN_BYTES);
    g_autoptr(GBytes) zipped = gzip(plain, PLAIN_BYTES);
    size_t bound = ZSTD_compressBound(PLAIN_BYTES);
    g_autofree void *packed = g_malloc(bound);
    size_t packed_size = ZSTD_compress(packed, bound, plain, PLAIN_BYTES, 3);
    const struct {
        const void *data;
        size_t size;
    } inputs[] = {
        {plain, PLAIN_BYTES},
        {g_bytes_get_data(zipped, NULL), g_bytes_get_size(zipped)},
        {packed, packed_size},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *digest = digest_of(inputs[i].data, inputs[i].size, PLAIN_BYTES, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(digest, ==, expected);
    }
}

static void test_gzip_members_and_padding(void) {
    g_autoptr(GBytes) first = gzip("abc", 3);
    g_autoptr(GBytes) second = gzip("def", 3);
    g_autoptr(GByteArray) joined = g_byte_array_new();
    static const uint8_t zeros[100];
    g_autofree char *expected = berth_hash_data(BERTH_ALGORITHM_SHA256, "abcdef", 6);

    g_byte_array_append(joined, g_bytes_get_data(first, NULL), (guint)g_bytes_get_size(first));
    g_byte_array_append(joined, g_bytes_get_data(second, NULL), (guint)g_bytes_get_size(second));
    g_autofree char *digest = digest_of(joined->data, joined->len, 100, NULL);
    g_assert_cmpstr(digest, ==, expected);
    g_byte_array_append(joined, zeros, sizeof zeros);
    g_autofree char *padded = digest_of(joined->data, joined->len, 100, NULL);
    g_assert_cmpstr(padded, ==, expected);
    g_byte_array_append(joined, (const uint8_t *)"x", 1);
    g_assert_null(digest_of(joined->data, joined->len, 100, NULL));
}

static void add_zstd(GByteArray *to, const char *text) {
    uint8_t packed[200];
    size_t size = ZSTD_compress(packed, sizeof packed, text, strlen(text), 3);

    g_byte_array_append(to, packed, (guint)size);
}

static void test_zstd_frames_some_of_which_are_skipped(void) {
    static const uint8_t skippable[] = {0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'o', 'w', 'n'};
    g_autoptr(GByteArray) joined = g_byte_array_new();
    g_autofree char *expected = berth_hash_data(BERTH_ALGORITHM_SHA256, "abcdef", 6);

    g_byte_array_append(joined, skippable, sizeof skippable);
    add_zstd(joined, "abc");
    g_byte_array_append(joined, skippable, sizeof skippable);
    add_zstd(joined, "def");
    g_byte_array_append(joined, skippable, sizeof skippable);
    g_autoptr(GError) error = NULL;
    g_autofree char *digest = digest_of(joined->data, joined->len, 100, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(digest, ==, expected);
}

/* The output of "zstd --long", whose window is larger than the content. */
static void test_zstd_with_a_long_window(void) {
    g_autofree uint8_t *plain = make_plain();
    g_autofree char *expected = berth_hash_data(BERTH_ALGORITHM_SHA256, plain, PLAIN_BYTES);
    g_autofree void *packed = g_malloc(ZSTD_compressBound(PLAIN_BYTES));
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_outBuffer out = {packed, ZSTD_compressBound(PLAIN_BYTES), 0};
    ZSTD_inBuffer first = {plain, 1000, 0}, rest = {plain + 1000, PLAIN_BYTES - 1000, 0};

    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
    g_assert_false(ZSTD_isError(ZSTD_compressStream2(context, &out, &first, ZSTD_e_continue)));
    g_assert_cmpuint(ZSTD_compressStream2(context, &out, &rest, ZSTD_e_end), ==, 0);
    ZSTD_freeCCtx(context);
    g_autoptr(GError) error = NULL;
    g_autofree char *digest = digest_of(packed, out.pos, PLAIN_BYTES, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(digest, ==, expected);
}

static gpointer write_slowly(gpointer data) {
    GBytes *bytes = ((gpointer *)data)[0];
    berth_autofd int fd = GPOINTER_TO_INT(((gpointer *)data)[1]);
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);

    /* A packet pipe delivers each write separately. */
    for (gsize i = 0; i < size; i++)
        g_assert_cmpint(write(fd, text + i, 1), ==, 1);
    return NULL;
}

static void test_the_format_is_seen_byte_by_byte(void) {
    g_autoptr(GByteArray) packed = g_byte_array_new();
    g_autofree char *expected = berth_hash_data(BERTH_ALGORITHM_SHA256, "abc", 3), *digest = NULL;
    uint64_t size;
    int ends[2];

    add_zstd(packed, "abc");
    g_autoptr(GBytes) bytes = g_bytes_new(packed->data, packed->len);
    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_DIRECT), ==, 0);
    berth_autofd int output = ends[0];
    gpointer job[] = {bytes, GINT_TO_POINTER(ends[1])};
    GThread *writer = g_thread_new("writer", write_slowly, job);
    g_autoptr(BerthInput) input = berth_input_new(output);
    g_autoptr(BerthStream) stream = berth_stream_new(input, BERTH_ALGORITHM_SHA256, 100, NULL);
    g_assert_true(berth_stream_finish(stream, &digest, &size, NULL));
    g_thread_join(writer);
    g_assert_cmpstr(digest, ==, expected);
}

static void test_truncated_and_corrupt_data_is_an_error(void) {
    g_autofree uint8_t *plain = make_plain();
    g_autoptr(GBytes) zipped = gzip(plain, PLAIN_BYTES);
    gsize size;
    g_autofree uint8_t *copy = g_memdup2(g_bytes_get_data(zipped, &size), g_bytes_get_size(zipped));

    for (size_t cut = 3; cut < size; cut += size / 7) {
        g_autoptr(GError) error = NULL;
        g_assert_null(digest_of(copy, cut, UINT64_MAX, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
    copy[size - 5] ^= 0xff; /* the checksum */
    g_assert_null(digest_of(copy, size, UINT64_MAX, NULL));
}

static void test_the_inflated_size_is_limited(void) {
    g_autofree uint8_t *zeros = g_malloc0(PLAIN_BYTES);
    g_autoptr(GBytes) bomb = gzip(zeros, PLAIN_BYTES);
    g_autoptr(GError) error = NULL;
    gsize size;
    const void *data = g_bytes_get_data(bomb, &size);

    g_assert_null(digest_of(data, size, PLAIN_BYTES - 1, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
}

static void test_a_stream_need_not_be_read_to_its_end(void) {
    g_autofree uint8_t *plain = make_plain();
    berth_autofd int fd = file_with(plain, PLAIN_BYTES);
    g_autoptr(BerthInput) input = berth_input_new(fd);
    g_autoptr(BerthStream) stream =
        berth_stream_new(input, BERTH_ALGORITHM_SHA256, UINT64_MAX, NULL);
    const void *block;

    g_assert_cmpuint(berth_stream_next(stream, &block), >, 0);
}

/* A file that grows by a number of bytes at a time, as berth-ingest writes it. */
typedef struct {
    int file, growth;
    const uint8_t *data;
    size_t size, each;
} Growth;

static gpointer grow_file(gpointer data) {
    const Growth *growth = data;

    for (size_t done = 0, part; done < growth->size; done += part) {
        part = MIN(growth->each, growth->size - done);
        g_assert_true(berth_fd_write_all(growth->file, growth->data + done, part));
        g_assert_true(berth_fd_write_all(growth->growth, "", 1));
    }
    close(growth->growth);
    return NULL;
}

/* Like digest_of(), while the file is still being written. */
static char *digest_of_growing(const void *data, size_t size, size_t each, uint64_t expected,
                               GError **error) {
    berth_autofd int file = memfd_create("layer", 0);
    char *digest = NULL;
    uint64_t plain_size;
    int ends[2];

    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    berth_autofd int output = ends[0];
    g_autoptr(BerthInput) input = berth_input_new_growing(file, output, expected);
    g_autoptr(BerthStream) stream =
        berth_stream_new(input, BERTH_ALGORITHM_SHA256, UINT64_MAX, error);
    Growth growth = {file, ends[1], data, size, each};
    GThread *writer = g_thread_new("writer", grow_file, &growth);
    bool done = berth_stream_finish(stream, &digest, &plain_size, error);
    g_thread_join(writer);
    return done ? digest : NULL;
}

static void test_a_growing_file_gives_the_same(void) {
    static const size_t pieces[] = {4095, 4096, 100001, SIZE_MAX};
    g_autofree uint8_t *plain = make_plain();
    g_autofree char *expected = berth_hash_data(BERTH_ALGORITHM_SHA256, plain, PLAIN_BYTES);
    g_autoptr(GBytes) zipped = gzip(plain, PLAIN_BYTES);
    g_autoptr(GBytes) small = gzip("abc", 3);

    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *digest =
            digest_of_growing(g_bytes_get_data(zipped, NULL), g_bytes_get_size(zipped), pieces[i],
                              g_bytes_get_size(zipped), &error);
        g_assert_no_error(error);
        g_assert_cmpstr(digest, ==, expected);
    }
    g_autofree char *of_small = digest_of_growing(
        g_bytes_get_data(small, NULL), g_bytes_get_size(small), 1, g_bytes_get_size(small), NULL);
    g_autofree char *expected_small = berth_hash_data(BERTH_ALGORITHM_SHA256, "abc", 3);
    g_assert_cmpstr(of_small, ==, expected_small);
}

/* Berth never shortens a file of the content store; a disk that loses one must not look like its
 * end. */
static void test_a_file_that_becomes_shorter_is_an_error(void) {
    g_autofree uint8_t *plain = make_plain();
    berth_autofd int file = file_with(plain, PLAIN_BYTES);
    int ends[2];
    const uint8_t *part;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    berth_autofd int output = ends[0];
    close(ends[1]);
    g_autoptr(BerthInput) input = berth_input_new_growing(file, output, PLAIN_BYTES);
    ssize_t size = berth_input_next(input, &part, &error);
    g_assert_no_error(error);
    g_assert_cmpint(size, <, PLAIN_BYTES);
    g_assert_cmpmem(part, size, plain, size);
    g_assert_cmpint(ftruncate(file, size), ==, 0);
    g_assert_cmpint(berth_input_next(input, &part, &error), ==, -1);
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INTERNAL);
    g_assert_cmpstr(error->message, ==, "read the layer: Input/output error");
}

/* The caller can tell it from data that is wrong. */
static void test_a_file_that_stops_growing_early_is_an_error(void) {
    static const size_t sizes[] = {0, 3, PLAIN_BYTES / 2, PLAIN_BYTES - 1};
    g_autofree uint8_t *plain = make_plain();

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *message =
            g_strdup_printf("the layer ends after %zu of %d bytes", sizes[i], PLAIN_BYTES);
        g_assert_null(digest_of_growing(plain, sizes[i], 5000, PLAIN_BYTES, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_SIZE_MISMATCH);
        g_assert_cmpstr(error->message, ==, message);
    }
}

static void test_a_file_that_stops_growing_is_truncated(void) {
    g_autofree uint8_t *plain = make_plain();
    g_autoptr(GBytes) zipped = gzip(plain, PLAIN_BYTES);
    gsize size;
    const void *data = g_bytes_get_data(zipped, &size);
    g_autoptr(GError) error = NULL;

    /* The registry may announce the size of what it sends, so the data itself is incomplete. */
    g_assert_null(digest_of_growing(data, size / 2, 5000, size / 2, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    g_autofree char *nothing = digest_of_growing(data, 0, 1, 0, NULL);
    g_autofree char *expected = berth_hash_data(BERTH_ALGORITHM_SHA256, "", 0);
    g_assert_cmpstr(nothing, ==, expected);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/every-format-gives-the-same", test_every_format_gives_the_same);
    g_test_add_func("/stream/gzip-members-and-padding", test_gzip_members_and_padding);
    g_test_add_func("/stream/zstd-frames-some-of-which-are-skipped",
                    test_zstd_frames_some_of_which_are_skipped);
    g_test_add_func("/stream/zstd-with-a-long-window", test_zstd_with_a_long_window);
    g_test_add_func("/stream/the-format-is-seen-byte-by-byte",
                    test_the_format_is_seen_byte_by_byte);
    g_test_add_func("/stream/truncated-and-corrupt-data-is-an-error",
                    test_truncated_and_corrupt_data_is_an_error);
    g_test_add_func("/stream/the-inflated-size-is-limited", test_the_inflated_size_is_limited);
    g_test_add_func("/stream/a-stream-need-not-be-read-to-its-end",
                    test_a_stream_need_not_be_read_to_its_end);
    g_test_add_func("/stream/a-growing-file-gives-the-same", test_a_growing_file_gives_the_same);
    g_test_add_func("/stream/a-file-that-becomes-shorter-is-an-error",
                    test_a_file_that_becomes_shorter_is_an_error);
    g_test_add_func("/stream/a-file-that-stops-growing-early-is-an-error",
                    test_a_file_that_stops_growing_early_is_an_error);
    g_test_add_func("/stream/a-file-that-stops-growing-is-truncated",
                    test_a_file_that_stops_growing_is_truncated);
    return g_test_run();
}
