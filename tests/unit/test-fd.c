/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors: resolution inside a root, and reading, removing and replacing files. */

#include "base/fd.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

static char *make_directory(int *fd) {
    char *path = g_dir_make_tmp("berth-fd-XXXXXX", NULL);

    *fd = open(path, O_RDONLY | O_DIRECTORY);
    g_assert_cmpint(*fd, >=, 0);
    return path;
}

static void test_paths_do_not_lead_out_of_the_root(void) {
    berth_autofd int directory = -1;
    g_autofree char *path = make_directory(&directory);

    g_assert_cmpint(symlinkat("/etc", directory, "absolute"), ==, 0);
    g_assert_cmpint(symlinkat("../..", directory, "up"), ==, 0);
    g_assert_cmpint(berth_fd_open_on_mount(directory, "absolute/passwd", O_RDONLY, 0), <, 0);
    g_assert_cmpint(errno, ==, EXDEV);
    g_assert_cmpint(berth_fd_open_on_mount(directory, "up/etc/passwd", O_RDONLY, 0), <, 0);
    g_assert_cmpint(berth_fd_open_on_mount(directory, "../x", O_RDONLY, 0), <, 0);
    /* The link is resolved in the root, as in a container. */
    g_assert_cmpint(berth_fd_open_in_root(directory, "absolute/passwd", O_RDONLY, 0), <, 0);
    g_assert_cmpint(errno, ==, ENOENT);
    g_assert_true(berth_fd_remove_children(path, NULL));
    g_rmdir(path);
}

static void test_reading_whole_is_limited(void) {
    berth_autofd int directory = -1;
    g_autofree char *path = make_directory(&directory);
    berth_autofd int file = openat(directory, "f", O_RDWR | O_CREAT, 0600);
    g_autoptr(GError) error = NULL;
    size_t size;

    g_assert_true(berth_fd_write_all(file, "0123456789", 10));
    g_autofree char *text = berth_fd_read_whole(file, 10, &size, NULL);
    g_assert_cmpstr(text, ==, "0123456789");
    g_assert_cmpuint(size, ==, 10);
    g_assert_null(berth_fd_read_whole(file, 9, &size, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
    g_assert_true(berth_fd_remove_children(path, NULL));
    g_rmdir(path);
}

static void test_trees_are_removed_without_following_links(void) {
    berth_autofd int directory = -1;
    g_autofree char *path = make_directory(&directory);
    berth_autofd int other = -1;
    g_autofree char *other_path = make_directory(&other);
    struct stat status;

    berth_autofd int kept = openat(other, "kept", O_RDWR | O_CREAT, 0600);
    g_assert_cmpint(mkdirat(directory, "a", 0700), ==, 0);
    g_assert_cmpint(mkdirat(directory, "a/b", 0700), ==, 0);
    g_assert_cmpint(symlinkat(other_path, directory, "a/link"), ==, 0);
    g_assert_true(berth_fd_remove_tree(directory, "a", NULL));
    g_assert_true(berth_fd_remove_tree(directory, "a", NULL));
    g_assert_cmpint(fstatat(directory, "a", &status, 0), <, 0);
    g_assert_cmpint(fstatat(other, "kept", &status, 0), ==, 0);
    g_assert_true(berth_fd_remove_children(other_path, NULL));
    g_rmdir(other_path);
    g_rmdir(path);
}

static void test_only_small_trees_are_removed(void) {
    berth_autofd int directory = -1;
    g_autofree char *path = make_directory(&directory);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(mkdirat(directory, "a", 0700), ==, 0);
    g_assert_cmpint(mkdirat(directory, "a/b", 0700), ==, 0);
    g_assert_cmpint(mkdirat(directory, "a/b/c", 0700), ==, 0);
    g_assert_false(berth_fd_remove_small_tree(directory, "a", 1, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
    g_assert_true(berth_fd_remove_small_tree(directory, "a", 2, NULL));
    g_rmdir(path);
}

/* Removing a file that consists of many parts takes long, which a process with a loop must not do.
 */
static void test_a_large_file_is_in_no_small_tree(void) {
    enum { LARGE_BYTES = 2 * 1024 * 1024 };
    berth_autofd int directory = -1;
    g_autofree char *path = make_directory(&directory);
    g_autofree char *bytes = g_strnfill(LARGE_BYTES, 'x');
    struct stat status;

    g_assert_cmpint(mkdirat(directory, "a", 0700), ==, 0);
    berth_autofd int file = openat(directory, "a/large", O_RDWR | O_CREAT, 0600);
    g_assert_true(berth_fd_write_all(file, bytes, LARGE_BYTES));
    /* Blocks are allocated late. */
    g_assert_cmpint(fsync(file), ==, 0);
    g_assert_false(berth_fd_remove_small_tree(directory, "a", 64, NULL));
    g_assert_cmpint(fstatat(directory, "a/large", &status, 0), ==, 0);
    g_assert_true(berth_fd_remove_tree(directory, "a", NULL));
    g_rmdir(path);
}

static void test_a_file_is_replaced_as_a_whole(void) {
    g_autofree char *root = g_dir_make_tmp("berth-fd-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(root, "below", "file", NULL);
    g_autofree char *below = g_path_get_dirname(path);
    g_autofree char *text = NULL;
    berth_autofd int directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;

    g_assert_false(berth_fd_replace(directory, "below/file", "one", 3, 0644));
    g_assert_cmpint(errno, ==, ENOENT);
    g_assert_cmpint(mkdir(below, 0700), ==, 0);
    g_assert_true(berth_fd_replace(directory, "below/file", "one", 3, 0644));
    berth_autofd int before = open(path, O_RDONLY | O_CLOEXEC);
    mode_t mask = umask(0077);
    g_assert_true(berth_fd_replace(directory, "below/file", "second", 6, 0664));
    umask(mask);
    /* A process that reads the old file keeps it. */
    g_assert_cmpint(fstat(before, &status), ==, 0);
    g_assert_cmpint(status.st_size, ==, 3);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "second");
    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0664);
    /* A directory cannot be replaced, and no temporary file is left beside it. */
    g_assert_false(berth_fd_replace(directory, "below", "x", 1, 0644));
    g_assert_cmpint(faccessat(directory, ".new-below", F_OK, 0), ==, -1);
    g_assert_true(berth_fd_remove_tree(directory, "below", NULL));
    g_assert_cmpint(rmdir(root), ==, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fd/paths-do-not-lead-out-of-the-root",
                    test_paths_do_not_lead_out_of_the_root);
    g_test_add_func("/fd/reading-whole-is-limited", test_reading_whole_is_limited);
    g_test_add_func("/fd/trees-are-removed-without-following-links",
                    test_trees_are_removed_without_following_links);
    g_test_add_func("/fd/only-small-trees-are-removed", test_only_small_trees_are_removed);
    g_test_add_func("/fd/a-large-file-is-in-no-small-tree", test_a_large_file_is_in_no_small_tree);
    g_test_add_func("/fd/a-file-is-replaced-as-a-whole", test_a_file_is_replaced_as_a_whole);
    return g_test_run();
}
