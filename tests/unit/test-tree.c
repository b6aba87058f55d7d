/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/fd.h"
#include "unpack/tree.h"

#include <glib/gstdio.h>
#include <sys/xattr.h>

static char *directory;

static BerthTree *new_tree(void) {
    g_assert_true(berth_fd_remove_children(directory, NULL));
    return berth_tree_new(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void test_normal_paths(void) {
    static const struct {
        const char *path, *normal;
    } paths[] = {{"a", "a"},       {"./a//b/", "a/b"}, {"./", ""},         {".", ""},
                 {"a/./b", "a/b"}, {"..a", "..a"},     {"a/...", "a/..."}, {"", ""}};
    static const char *const bad[] = {"/a", "..", "../a", "a/..", "a/../b", "./../a", "//a"};

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *normal = berth_tree_normalize(paths[i].path, NULL);
        g_assert_cmpstr(normal, ==, paths[i].normal);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(berth_tree_normalize(bad[i], &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
}

static void add_file(BerthTree *tree, const char *path) {
    BerthTreeEntry entry = {.path = path, .mode = S_IFREG | 0644, .uid = getuid(), .gid = getgid()};
    GError *error = NULL;
    berth_autofd int fd = berth_tree_create_file(tree, &entry, &error);

    g_assert_no_error(error);
    g_assert_true(berth_tree_finish_file(tree, &entry, fd, &error));
}

static void test_implied_directories_are_noted_until_listed(void) {
    g_autoptr(BerthTree) tree = new_tree();
    GError *error = NULL;
    BerthTreeEntry entry = {.path = "a", .mode = S_IFDIR | 0700, .uid = getuid(), .gid = getgid()};

    add_file(tree, "a/b/file");
    g_assert_true(g_hash_table_contains(tree->implied, "a"));
    g_assert_true(g_hash_table_contains(tree->implied, "a/b"));
    g_assert_true(berth_tree_add_directory(tree, &entry, &error));
    g_assert_false(g_hash_table_contains(tree->implied, "a"));
    g_assert_true(berth_tree_needs_lower(tree));
}

static void test_a_symlink_does_not_lead_out(void) {
    g_autoptr(BerthTree) tree = new_tree();
    g_autoptr(GError) error = NULL;
    BerthTreeEntry link = {
        .path = "link", .mode = S_IFLNK | 0777, .target = "/etc", .uid = getuid(), .gid = getgid()};
    BerthTreeEntry file = {.path = "link/owned", .mode = S_IFREG | 0644};

    g_assert_true(berth_tree_add_symlink(tree, &link, NULL));
    g_assert_cmpint(berth_tree_create_file(tree, &file, &error), <, 0);
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
}

static void test_a_later_entry_replaces_an_earlier(void) {
    g_autoptr(BerthTree) tree = new_tree();
    g_autofree char *path = g_build_filename(directory, "x", NULL);
    GError *error = NULL;
    BerthTreeEntry entry = {.path = "x", .mode = S_IFDIR | 0700, .uid = getuid(), .gid = getgid()};

    add_file(tree, "x");
    g_assert_true(berth_tree_add_directory(tree, &entry, &error));
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_DIR));
    add_file(tree, "x/inside");
    add_file(tree, "x");
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));
}

static void test_a_link_replaces_a_directory_with_its_time(void) {
    g_autoptr(BerthTree) tree = new_tree();
    g_autoptr(GError) error = NULL;
    BerthTreeEntry below = {
        .path = "x/y", .mode = S_IFDIR | 0700, .uid = getuid(), .gid = getgid()};
    BerthTreeEntry entry = {.path = "x", .mode = S_IFDIR | 0700, .uid = getuid(), .gid = getgid()};
    BerthTreeEntry link = {
        .path = "x", .mode = S_IFLNK | 0777, .target = "/etc", .uid = getuid(), .gid = getgid()};

    g_assert_true(berth_tree_add_directory(tree, &entry, NULL));
    g_assert_true(berth_tree_add_directory(tree, &below, NULL));
    g_assert_true(berth_tree_add_symlink(tree, &link, NULL));
    g_assert_true(berth_tree_finish(tree, &error));
    g_assert_no_error(error);
}

static void test_links_to_lower_layers_wait(void) {
    g_autoptr(BerthTree) tree = new_tree();
    GError *error = NULL;
    BerthTreeEntry entry = {.path = "new", .target = "not/here", .mode = S_IFREG};

    g_assert_true(berth_tree_add_hard_link(tree, &entry, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(tree->links->len, ==, 1);
}

static void test_whiteouts(void) {
    g_autoptr(BerthTree) tree = new_tree();
    g_autofree char *path = g_build_filename(directory, "gone", NULL);
    GError *error = NULL;
    struct stat status;
    bool was_whiteout;

    if (getuid() != 0) {
        g_test_skip("making devices takes root");
        return;
    }
    g_assert_true(berth_tree_add_whiteout(tree, "gone.wh.not", &was_whiteout, &error));
    g_assert_false(was_whiteout);
    g_assert_true(berth_tree_add_whiteout(tree, ".wh.gone", &was_whiteout, &error));
    g_assert_true(was_whiteout);
    g_assert_cmpint(lstat(path, &status), ==, 0);
    g_assert_true(S_ISCHR(status.st_mode));
    g_assert_cmpuint(status.st_rdev, ==, 0);
    g_assert_false(berth_tree_add_whiteout(tree, ".wh.", &was_whiteout, &error));
    g_clear_error(&error);
    g_assert_false(berth_tree_add_whiteout(tree, ".wh...", &was_whiteout, &error));
    g_clear_error(&error);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("berth-tree-XXXXXX", NULL);
    g_test_add_func("/tree/normal-paths", test_normal_paths);
    g_test_add_func("/tree/implied-directories-are-noted-until-listed",
                    test_implied_directories_are_noted_until_listed);
    g_test_add_func("/tree/a-symlink-does-not-lead-out", test_a_symlink_does_not_lead_out);
    g_test_add_func("/tree/a-later-entry-replaces-an-earlier",
                    test_a_later_entry_replaces_an_earlier);
    g_test_add_func("/tree/a-link-replaces-a-directory-with-its-time",
                    test_a_link_replaces_a_directory_with_its_time);
    g_test_add_func("/tree/links-to-lower-layers-wait", test_links_to_lower_layers_wait);
    g_test_add_func("/tree/whiteouts", test_whiteouts);
    int status = g_test_run();
    berth_fd_remove_children(directory, NULL);
    g_rmdir(directory);
    g_free(directory);
    return status;
}
