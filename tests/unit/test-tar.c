/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading and writing tar, in all formats that occur. */

#include "base/fd.h"
#include "tar/header.h"
#include "tar/reader.h"
#include "tar/writer.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

/* A tar archive in memory, passed to the reader in pieces of step bytes. */
typedef struct {
    GByteArray *bytes;
    size_t at, step;
} Tar;

static size_t fetch(void *userdata, const void **block) {
    Tar *tar = userdata;
    size_t size = MIN(tar->step, tar->bytes->len - tar->at);

    *block = tar->bytes->data + tar->at;
    tar->at += size;
    return size;
}

static Tar new_tar(void) {
    return (Tar){g_byte_array_new(), 0, 1000};
}

static void add_bytes(Tar *tar, const void *data, size_t size) {
    static const uint8_t zeros[BERTH_TAR_BLOCK_BYTES];

    g_byte_array_append(tar->bytes, data, (guint)size);
    g_byte_array_append(tar->bytes, zeros, (guint)(-size % sizeof zeros));
}

static BerthTarHeader header_of(const char *name, char type, size_t size) {
    BerthTarHeader header = {.mode = "0000644",
                             .uid = "0000000",
                             .gid = "0000000",
                             .mtime = "00000000012",
                             .type = type,
                             .magic = "ustar",
                             .version = "00"};
    g_autofree char *octal = g_strdup_printf("%011zo", size);

    memcpy(header.name, name, MIN(strlen(name), sizeof header.name));
    memcpy(header.size, octal, sizeof header.size);
    berth_tar_header_seal(&header);
    return header;
}

static void add_member(Tar *tar, const char *name, char type, const char *text) {
    BerthTarHeader header = header_of(name, type, strlen(text));

    add_bytes(tar, &header, sizeof header);
    add_bytes(tar, text, strlen(text));
}

static char *make_record(const char *key, const char *value) {
    size_t length = strlen(key) + strlen(value) + 3;

    length += length < 9 ? 1 : 2;
    g_assert_cmpuint(length, <, 100);
    return g_strdup_printf("%zu %s=%s\n", length, key, value);
}

static void add_pax(Tar *tar, const char *key, const char *value) {
    g_autofree char *record = make_record(key, value);

    add_member(tar, "pax", 'x', record);
}

/* Reads the only member, or fails with the error. */
static bool read_one(Tar *tar, BerthTarEntry *entry, GError **error) {
    g_autoptr(BerthTarReader) reader = berth_tar_reader_new(fetch, tar);
    bool more, read = berth_tar_reader_next(reader, entry, &more, error);

    g_assert_true(!read || more);
    g_byte_array_unref(tar->bytes);
    return read;
}

static void test_names_are_bytes(void) {
    static const char *const names[] = {
        "cafe\xcc\x81", "caf\xc3\xa9", "lat\xe9", "\xff\xfe", "\xe1\x84\x92\xe1\x85\xa1",
        "\xed\xa0\x80"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_auto(BerthTarEntry) from_pax = {0}, from_header = {0};
        Tar tar = new_tar();
        add_pax(&tar, "path", names[i]);
        add_member(&tar, "other", '0', "");
        g_assert_true(read_one(&tar, &from_pax, NULL));
        g_assert_cmpstr(from_pax.path, ==, names[i]);
        tar = new_tar();
        add_member(&tar, names[i], '0', "");
        g_assert_true(read_one(&tar, &from_header, NULL));
        g_assert_cmpstr(from_header.path, ==, names[i]);
    }
}

static void test_numbers_of_extended_headers(void) {
    static const struct {
        const char *key, *value;
        bool is_good;
        int64_t uid, seconds, nanoseconds;
    } cases[] = {
        {"uid", "", true, 0, 10, 0},
        {"uid", "4194304", true, 4194304, 10, 0},
        {"uid", "12x", false, 0, 0, 0},
        {"uid", "99999999999999999999", false, 0, 0, 0},
        {"mtime", "", true, 0, 10, 0},
        {"mtime", "1.5", true, 0, 1, 500000000},
        {"mtime", "-1.5", true, 0, -2, 500000000},
        {"mtime", "-0.25", true, 0, -1, 750000000},
        {"mtime", "-3", true, 0, -3, 0},
        {"mtime", "7.", true, 0, 7, 0},
        {"mtime", "1.1234567899", true, 0, 1, 123456789},
        {"mtime", "1.5x", false, 0, 0, 0},
        {"mtime", "one", false, 0, 0, 0},
        {"SCHILY.acl.access", "user::rwx,group::rwx,other::rwx", true, 0, 10, 0},
        {"uname", "root", true, 0, 10, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(BerthTarEntry) entry = {0};
        g_autoptr(GError) error = NULL;
        Tar tar = new_tar();
        add_pax(&tar, cases[i].key, cases[i].value);
        add_member(&tar, "file", '0', "");
        g_assert_true(read_one(&tar, &entry, &error) == cases[i].is_good);
        g_assert_true((error == NULL) == cases[i].is_good);
        if (!cases[i].is_good)
            continue;
        g_assert_cmpint(entry.uid, ==, cases[i].uid);
        g_assert_cmpint(entry.mtime.tv_sec, ==, cases[i].seconds);
        g_assert_cmpint(entry.mtime.tv_nsec, ==, cases[i].nanoseconds);
        g_assert_cmpuint(entry.mode, ==, S_IFREG | 0644);
    }
}

static void test_numbers_in_base_256(void) {
    static const struct {
        const char *field;
        bool is_good;
        int64_t value;
    } cases[] = {
        {"\x80\0\0\0\0\0\0\0\0\0\1\0", true, 256},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", true, -2},
        {"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", true, INT64_MAX},
        {"\x80\0\0\1\0\0\0\0\0\0\0\0", false, 0},
        {"        17  ", true, 15},
        {"\0\0\0\0\0\0\0\0\0\0\0\0", true, 0},
        {"12345678901x", false, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t value = 0;
        g_autoptr(GError) error = NULL;
        g_assert_true(berth_tar_header_number(cases[i].field, 12, &value, &error) ==
                      cases[i].is_good);
        g_assert_cmpint(value, ==, cases[i].value);
    }
}

static void test_long_names_of_gnu(void) {
    g_autofree char *name = g_strnfill(300, 'n'), *target = g_strnfill(200, '\xe9');
    g_auto(BerthTarEntry) entry = {0};
    Tar tar = new_tar();

    add_member(&tar, "././@LongLink", 'L', name);
    add_member(&tar, "././@LongLink", 'K', target);
    add_member(&tar, "short", '2', "");
    g_assert_true(read_one(&tar, &entry, NULL));
    g_assert_cmpstr(entry.path, ==, name);
    g_assert_cmpstr(entry.target, ==, target);
    g_assert_true(S_ISLNK(entry.mode));
}

/* Returns the content of the only member, with zeros in its holes; NULL with error. */
static char *read_content(Tar *tar, GError **error) {
    g_autoptr(BerthTarReader) reader = berth_tar_reader_new(fetch, tar);
    g_auto(BerthTarEntry) entry = {0};
    g_autofree char *content = NULL;
    const void *data;
    size_t size;
    int64_t offset;
    bool more, good = berth_tar_reader_next(reader, &entry, &more, error);

    if (good)
        content = g_malloc0((gsize)entry.size + 1);
    while (good && (good = berth_tar_reader_data(reader, &data, &size, &offset, error)) && size > 0)
        memcpy(content + offset, data, size);
    good = good && berth_tar_reader_next(reader, &entry, &more, error);
    g_byte_array_unref(tar->bytes);
    return good ? g_steal_pointer(&content) : NULL;
}

static void test_the_end_marker_may_be_missing_but_no_content(void) {
    for (size_t cut = 0; cut < 512; cut++) {
        g_autoptr(GError) error = NULL;
        Tar tar = new_tar();
        BerthTarHeader header = header_of("file", '0', 20);
        add_bytes(&tar, &header, sizeof header);
        g_byte_array_append(tar.bytes, (const uint8_t *)"content of 20 bytes.", 20);
        g_byte_array_set_size(tar.bytes, (guint)(512 + 20 - cut));
        tar.step = 7;
        g_autofree char *content = read_content(&tar, &error);
        if (cut == 0)
            g_assert_cmpstr(content, ==, "content of 20 bytes.");
        else
            g_assert_null(content);
    }
}

static void test_sparse_files(void) {
    static const char *const maps[] = {"0,3,8,2", "0,3,8,2,12,0"};

    for (size_t i = 0; i < G_N_ELEMENTS(maps); i++) {
        g_autoptr(GError) error = NULL;
        Tar tar = new_tar();
        g_autofree char *size = make_record("GNU.sparse.realsize", "12");
        g_autofree char *map = make_record("GNU.sparse.map", maps[i]);
        g_autofree char *records = g_strconcat(size, map, NULL);
        add_member(&tar, "pax", 'x', records);
        add_member(&tar, "sparse", '0', "abcde");
        g_autofree char *content = read_content(&tar, &error);
        g_assert_no_error(error);
        g_assert_cmpint(memcmp(content, "abc\0\0\0\0\0de\0\0", 12), ==, 0);
    }
}

static void test_invalid_sparse_maps_are_refused(void) {
    static const char *const maps[] = {"0,9", "5,3,0,2", "0,-1", "11,2", "3", "0,99999999999999"};

    for (size_t i = 0; i < G_N_ELEMENTS(maps); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(BerthTarEntry) entry = {0};
        Tar tar = new_tar();
        add_pax(&tar, "GNU.sparse.map", maps[i]);
        add_member(&tar, "sparse", '0', "abcde");
        g_assert_false(read_one(&tar, &entry, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
}

/* Another reader may take the number that ends at the NUL, or none. */
static void test_numbers_with_nul_bytes_are_refused(void) {
    static const char *const keys[] = {"uid", "gid", "size", "mtime"};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(BerthTarEntry) entry = {0};
        Tar tar = new_tar();
        g_autofree char *record = make_record(keys[i], "1@2");
        size_t length = strlen(record);
        BerthTarHeader header = header_of("pax", 'x', length);
        *strchr(record, '@') = '\0';
        add_bytes(&tar, &header, sizeof header);
        add_bytes(&tar, record, length);
        add_member(&tar, "file", '0', "");
        g_assert_false(read_one(&tar, &entry, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
}

static void test_damaged_headers_are_refused(void) {
    static const char *const records[] = {"x",         "5 a=",  "99 path=x\n",
                                          "10 path=x", "4 =\n", "0 a=b\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(BerthTarEntry) entry = {0};
        Tar tar = new_tar();
        add_member(&tar, "pax", 'x', records[i]);
        add_member(&tar, "file", '0', "");
        g_assert_false(read_one(&tar, &entry, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
    g_auto(BerthTarEntry) entry = {0};
    g_autoptr(GError) error = NULL;
    Tar tar = new_tar();
    add_member(&tar, "file", '0', "");
    tar.bytes->data[3]++;
    g_assert_false(read_one(&tar, &entry, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
}

static void test_written_archive_is_read_back(void) {
    g_autofree char *long_name = g_strnfill(3000, 'l');
    const BerthTarEntry entries[] = {
        {.path = (char *)"file",
         .mode = S_IFREG | 04755,
         .uid = 1,
         .gid = 2,
         .size = 7,
         .mtime = {10, 0}},
        {.path = long_name, .target = long_name, .mode = S_IFLNK | 0777, .mtime = {-1, 500000000}},
        {.path = (char *)"cafe\xcc\x81",
         .mode = S_IFDIR | 01777,
         .uid = 1u << 31,
         .mtime = {-9, 1}},
        {.path = (char *)"\xff", .mode = S_IFCHR | 0600, .device = makedev(1, 3), .gid = 3000000},
        {.path = (char *)"hard",
         .target = (char *)"file",
         .is_hard_link = true,
         .mode = S_IFREG,
         .mtime = {8589934592, 999999999}},
        {.path = (char *)"a/fifo", .mode = S_IFIFO | 0622, .mtime = {1, 100}},
    };
    berth_autofd int output = memfd_create("tar", 0);
    g_autoptr(BerthTarWriter) writer = berth_tar_writer_new(output);
    GError *error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_assert_true(berth_tar_writer_add(writer, &entries[i], &error));
        if (entries[i].size > 0)
            g_assert_true(berth_tar_writer_write(writer, "content", 7, &error));
    }
    g_assert_true(berth_tar_writer_finish(writer, &error));
    size_t size;
    char *whole = berth_fd_read_whole(output, 1 << 20, &size, NULL);
    Tar tar = {g_byte_array_new_take((guint8 *)whole, size), 0, 513};
    g_autoptr(BerthTarReader) reader = berth_tar_reader_new(fetch, &tar);
    g_auto(BerthTarEntry) entry = {0};
    bool more;
    for (size_t i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_assert_true(berth_tar_reader_next(reader, &entry, &more, &error));
        g_assert_cmpstr(entry.path, ==, entries[i].path);
        g_assert_cmpstr(entry.target, ==, entries[i].target);
        g_assert_cmpuint(entry.mode, ==, entries[i].mode);
        g_assert_cmpuint(entry.uid, ==, entries[i].uid);
        g_assert_cmpuint(entry.gid, ==, entries[i].gid);
        g_assert_cmpint(entry.size, ==, entries[i].size);
        g_assert_cmpuint(entry.device, ==, entries[i].device);
        g_assert_cmpint(entry.mtime.tv_sec, ==, entries[i].mtime.tv_sec);
        g_assert_cmpint(entry.mtime.tv_nsec, ==, entries[i].mtime.tv_nsec);
    }
    g_assert_true(berth_tar_reader_next(reader, &entry, &more, &error));
    g_assert_false(more);
    g_byte_array_unref(tar.bytes);
}

/* Lists of names in the body of directories, as "tar --incremental" writes them. */
static void test_directories_of_incremental_archives(void) {
    Tar tar = new_tar();
    g_auto(BerthTarEntry) entry = {0};
    GError *error = NULL;
    bool more;

    add_member(&tar, "directory/", 'D', "Yfile");
    add_member(&tar, "directory/file", '0', "content");
    g_autoptr(BerthTarReader) reader = berth_tar_reader_new(fetch, &tar);
    g_assert_true(berth_tar_reader_next(reader, &entry, &more, &error));
    g_assert_true(S_ISDIR(entry.mode) && entry.size == 0);
    g_assert_true(berth_tar_reader_next(reader, &entry, &more, &error));
    g_assert_cmpstr(entry.path, ==, "directory/file");
    g_byte_array_unref(tar.bytes);
}

static void test_a_single_block_of_zeros_does_not_end_an_archive(void) {
    static const uint8_t zeros[2 * BERTH_TAR_BLOCK_BYTES];

    for (size_t blocks = 1; blocks <= 2; blocks++) {
        Tar tar = new_tar();
        g_auto(BerthTarEntry) entry = {0};
        g_autoptr(GError) error = NULL;
        bool more = false;

        add_member(&tar, "first", '0', "content");
        add_bytes(&tar, zeros, blocks * BERTH_TAR_BLOCK_BYTES);
        add_member(&tar, "second", '0', "content");
        g_autoptr(BerthTarReader) reader = berth_tar_reader_new(fetch, &tar);
        g_assert_true(berth_tar_reader_next(reader, &entry, &more, &error) && more);
        g_assert_true(berth_tar_reader_next(reader, &entry, &more, &error) == (blocks == 2));
        if (blocks == 1)
            g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
        else
            g_assert_false(more);
        g_byte_array_unref(tar.bytes);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func("/tar/" name, function)
    ADD("names-are-bytes", test_names_are_bytes);
    ADD("numbers-of-extended-headers", test_numbers_of_extended_headers);
    ADD("numbers-in-base-256", test_numbers_in_base_256);
    ADD("long-names-of-gnu", test_long_names_of_gnu);
    ADD("the-end-marker-may-be-missing-but-no-content",
        test_the_end_marker_may_be_missing_but_no_content);
    ADD("sparse-files", test_sparse_files);
    ADD("invalid-sparse-maps-are-refused", test_invalid_sparse_maps_are_refused);
    ADD("numbers-with-nul-bytes-are-refused", test_numbers_with_nul_bytes_are_refused);
    ADD("damaged-headers-are-refused", test_damaged_headers_are_refused);
    ADD("directories-of-incremental-archives", test_directories_of_incremental_archives);
    ADD("a-single-block-of-zeros-does-not-end-an-archive",
        test_a_single_block_of_zeros_does_not_end_an_archive);
    ADD("written-archive-is-read-back", test_written_archive_is_read_back);
#undef ADD
    return g_test_run();
}
