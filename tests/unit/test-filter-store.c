/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cache of compiled filters: only complete files that others cannot have changed are used. */

#include "seccomp/filter-store.h"

#include "base/fd.h"
#include "seccomp/filter.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/stat.h>

static const struct sock_filter instructions[] = {
    {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
    {BPF_RET | BPF_K, 0, 0, 0x7fff0000},
};
static const BerthFilterProgram program = {instructions, 2, 4, false, NULL, NULL};

static char *path;
static int directory;

static char *find_file(void) {
    g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "key", -1);

    return g_build_filename(path, name, NULL);
}

static bool is_stored(const char *key) {
    g_autoptr(BerthFilterProgram) found = berth_filter_store_load(directory, key);

    if (!found)
        return false;
    g_assert_cmpuint(found->count, ==, program.count);
    g_assert_cmpuint(found->flags, ==, program.flags);
    g_assert_false(found->notifies);
    g_assert_cmpmem(found->instructions, found->count * sizeof *instructions, instructions,
                    sizeof instructions);
    return true;
}

static void test_a_program_is_found_by_its_key(void) {
    g_assert_false(is_stored("key"));
    berth_filter_store_save(directory, "key", &program);
    g_assert_true(is_stored("key"));
    g_assert_false(is_stored("other"));
}

/* Each byte in turn is changed, and the file is truncated at each length. */
static void test_a_damaged_file_is_not_used(void) {
    g_autofree char *file = find_file(), *data = NULL;
    gsize size;

    berth_filter_store_save(directory, "key", &program);
    g_assert_true(g_file_get_contents(file, &data, &size, NULL));
    for (gsize i = 0; i < size; i++) {
        data[i] ^= 1;
        g_assert_true(g_file_set_contents(file, data, (gssize)size, NULL));
        g_assert_false(is_stored("key"));
        data[i] ^= 1;
        g_assert_true(g_file_set_contents(file, data, (gssize)i, NULL));
        g_assert_false(is_stored("key"));
    }
    g_assert_true(g_file_set_contents_full(file, data, (gssize)size, 0, 0600, NULL));
    g_assert_true(is_stored("key"));
}

static void test_a_file_that_others_can_write_is_not_used(void) {
    g_autofree char *file = find_file(), *target = g_build_filename(path, "target", NULL);

    berth_filter_store_save(directory, "key", &program);
    g_assert_cmpint(g_chmod(file, 0620), ==, 0);
    g_assert_false(is_stored("key"));
    g_assert_cmpint(g_chmod(file, 0600), ==, 0);
    g_assert_true(is_stored("key"));
    g_assert_cmpint(g_rename(file, target), ==, 0);
    g_assert_cmpint(symlink(target, file), ==, 0);
    g_assert_false(is_stored("key"));
    berth_filter_store_save(directory, "key", &program);
    g_assert_true(is_stored("key"));
}

static void test_old_programs_go(void) {
    g_autoptr(GDir) list = NULL;
    unsigned count = 0;

    for (int i = 0; i < 200; i++) {
        g_autofree char *key = g_strdup_printf("key %d", i);
        berth_filter_store_save(directory, key, &program);
        g_assert_true(is_stored(key));
    }
    list = g_dir_open(path, 0, NULL);
    while (g_dir_read_name(list))
        count++;
    g_assert_cmpuint(count, <=, 64);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    path = g_dir_make_tmp("filter-store-XXXXXX", NULL);
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_test_add_func("/filter-store/found-by-key", test_a_program_is_found_by_its_key);
    g_test_add_func("/filter-store/damaged", test_a_damaged_file_is_not_used);
    g_test_add_func("/filter-store/writable-by-others",
                    test_a_file_that_others_can_write_is_not_used);
    g_test_add_func("/filter-store/old-programs-go", test_old_programs_go);
    int status = g_test_run();
    close(directory);
    berth_fd_remove_children(path, NULL);
    g_rmdir(path);
    return status;
}
