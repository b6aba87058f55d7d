/* SPDX-License-Identifier: LGPL-2.1-or-later */

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

static void test_nothing_leads_out(void) {
    berth_autofd int directory = -1;
    g_autofree char *path = make_directory(&directory);

    g_assert_cmpint(symlinkat("/etc", directory, "absolute"), ==, 0);
    g_assert_cmpint(symlinkat("../..", directory, "up"), ==, 0);
    g_assert_cmpint(berth_fd_open_beneath(directory, "absolute/passwd", O_RDONLY, 0), <, 0);
    g_assert_cmpint(errno, ==, EXDEV);
    g_assert_cmpint(berth_fd_open_beneath(directory, "up/etc/passwd", O_RDONLY, 0), <, 0);
    g_assert_cmpint(berth_fd_open_beneath(directory, "../x", O_RDONLY, 0), <, 0);
    /* In the root, the link means what it means for a container. */
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

static void test_small_trees_only(void) {
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

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fd/nothing-leads-out", test_nothing_leads_out);
    g_test_add_func("/fd/reading-whole-is-limited", test_reading_whole_is_limited);
    g_test_add_func("/fd/trees-are-removed-without-following-links",
                    test_trees_are_removed_without_following_links);
    g_test_add_func("/fd/small-trees-only", test_small_trees_only);
    return g_test_run();
}
