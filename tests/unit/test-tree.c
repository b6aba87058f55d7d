/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tree of a layer: the effect of entries in their order, with and without layers below. */

#include "base/fd.h"
#include "unpack/settle.h"
#include "unpack/tree-names.h"
#include "unpack/tree-notes.h"
#include "unpack/tree.h"

#include <glib/gstdio.h>
#include <sys/xattr.h>

static char *directory, *below;

static BerthTree *new_tree_on(BerthLowerState knows, int lower) {
    g_assert_true(berth_fd_remove_children(directory, NULL));
    return berth_tree_new(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), knows, lower);
}

static BerthTree *new_tree(void) {
    return new_tree_on(BERTH_LOWER_UNKNOWN, -1);
}

static void test_normal_paths(void) {
    static const struct {
        const char *path, *normal;
    } paths[] = {
        {"a", "a"},      {"./a//b/", "a/b"},   {"./", ""},       {".", ""},    {"a/./b", "a/b"},
        {"..a", "..a"},  {"a/...", "a/..."},   {"", ""},         {"/", ""},    {"/a/b", "a/b"},
        {"//a", "a"},    {"..", ""},           {"../../a", "a"}, {"a/..", ""}, {"a/../b", "b"},
        {"./../a", "a"}, {"a/b/../../c", "c"}, {"/../a/", "a"}};
    g_autofree char *long_name = g_strnfill(4096, 'x');
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *normal = berth_tree_normalize(paths[i].path, NULL);
        g_assert_cmpstr(normal, ==, paths[i].normal);
    }
    g_assert_null(berth_tree_normalize(long_name, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
}

static void add_file(BerthTree *tree, const char *path) {
    BerthTreeEntry entry = {.path = path, .mode = S_IFREG | 0644, .uid = getuid(), .gid = getgid()};
    GError *error = NULL;
    berth_autofd int fd = berth_tree_create_file(tree, &entry, &error);

    g_assert_no_error(error);
    g_assert_true(berth_tree_finish_file(tree, &entry, fd, &error));
}

static void add_directory(BerthTree *tree, const char *path) {
    BerthTreeEntry entry = {.path = path, .mode = S_IFDIR | 0700, .uid = getuid(), .gid = getgid()};
    GError *error = NULL;

    berth_tree_add_directory(tree, &entry, &error);
    g_assert_no_error(error);
}

static void add_symlink(BerthTree *tree, const char *path, const char *target) {
    BerthTreeEntry entry = {
        .path = path, .mode = S_IFLNK | 0777, .target = target, .uid = getuid(), .gid = getgid()};
    GError *error = NULL;

    berth_tree_add_symlink(tree, &entry, &error);
    g_assert_no_error(error);
}

static void add_link(BerthTree *tree, const char *path, const char *target) {
    BerthTreeEntry entry = {.path = path, .target = target, .mode = S_IFREG};
    GError *error = NULL;

    berth_tree_add_hard_link(tree, &entry, &error);
    g_assert_no_error(error);
}

static void add_whiteout(BerthTree *tree, const char *path) {
    GError *error = NULL;
    bool was_whiteout;

    berth_tree_add_whiteout(tree, path, &was_whiteout, &error);
    g_assert_no_error(error);
    g_assert_true(was_whiteout);
}

static bool is_there(const char *path) {
    g_autofree char *whole = g_build_filename(directory, path, NULL);

    return g_file_test(whole, G_FILE_TEST_EXISTS);
}

static void test_implied_directories_are_noted_until_listed(void) {
    g_autoptr(BerthTree) tree = new_tree();

    add_file(tree, "a/b/file");
    g_assert_true(berth_tree_has(tree->implied, "a"));
    g_assert_true(berth_tree_has(tree->implied, "a/b"));
    add_directory(tree, "a");
    g_assert_false(berth_tree_has(tree->implied, "a"));
    g_assert_true(berth_tree_needs_lower(tree));
}

static void test_a_symlink_leads_within_the_root(void) {
    static const char *const targets[] = {"/inside", "inside", "../../inside", "./x/../inside"};

    for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
        g_autoptr(BerthTree) tree = new_tree();
        add_symlink(tree, "link", targets[i]);
        add_file(tree, "link/file");
        g_assert_true(is_there("inside/file"));
    }
}

static mode_t get_mode(const char *path) {
    g_autofree char *whole = g_build_filename(directory, path, NULL);
    struct stat status;

    g_assert_cmpint(lstat(whole, &status), ==, 0);
    return status.st_mode & 07777;
}

static void add_directory_as(BerthTree *tree, const char *path, mode_t mode, gid_t gid) {
    BerthTreeEntry entry = {.path = path, .mode = S_IFDIR | mode, .uid = getuid(), .gid = gid};
    GError *error = NULL;

    berth_tree_add_directory(tree, &entry, &error);
    g_assert_no_error(error);
}

static void test_a_root_listed_late_does_not_pass_its_group_on(void) {
    g_autoptr(BerthTree) tree = new_tree();

    add_file(tree, "file");
    add_directory_as(tree, "", 02755, getgid());
    add_directory_as(tree, "made", 0755, getgid());
    g_assert_cmpint(get_mode(""), ==, 02755);
    g_assert_cmpint(get_mode("made"), ==, 0755);
}

static void test_a_parent_directory_may_pass_its_group_on(void) {
    g_autoptr(BerthTree) tree = new_tree();

    add_directory_as(tree, "of-others", 0755, getuid() == 0 ? 1 : getgid());
    add_file(tree, "of-others/file");
    g_assert_true(tree->parent_gives_group);
}

static void test_the_default_acl_of_the_host_is_not_inherited(void) {
    /* An ACL in the kernel's format: version 2; then tag, permissions and id of the owner, the
     * group and others, who have no access. */
    static const uint8_t acl[] = {2,    0,    0, 0, 1,    0,    7,    0,    0xff, 0xff,
                                  0xff, 0xff, 4, 0, 5,    0,    0xff, 0xff, 0xff, 0xff,
                                  0x20, 0,    0, 0, 0xff, 0xff, 0xff, 0xff};
    char value[64];

    g_assert_cmpint(setxattr(directory, "system.posix_acl_default", acl, sizeof acl, 0), ==, 0);
    g_autoptr(BerthTree) tree = new_tree();
    add_directory_as(tree, "made", 0755, getgid());
    add_file(tree, "made/file");
    g_assert_cmpint(removexattr(directory, "system.posix_acl_default"), ==, 0);
    g_assert_cmpint(get_mode("made"), ==, 0755);
    g_assert_cmpint(get_mode("made/file"), ==, 0644);
    g_autofree char *made = g_build_filename(directory, "made", NULL);
    g_assert_cmpint(getxattr(made, "system.posix_acl_default", value, sizeof value), <, 0);
}

static void test_symlinks_in_a_ring_are_refused(void) {
    g_autoptr(BerthTree) tree = new_tree();
    g_autoptr(GError) error = NULL;
    BerthTreeEntry file = {.path = "one/file", .mode = S_IFREG | 0644};

    add_symlink(tree, "one", "two");
    add_symlink(tree, "two", "one");
    g_assert_cmpint(berth_tree_create_file(tree, &file, &error), <, 0);
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
}

static void test_a_later_entry_replaces_an_earlier_one(void) {
    g_autoptr(BerthTree) tree = new_tree_on(BERTH_LOWER_NONE, -1);
    g_autofree char *path = g_build_filename(directory, "x", NULL);

    add_file(tree, "x");
    add_directory(tree, "x");
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_DIR));
    add_file(tree, "x/inside");
    add_file(tree, "x");
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));
    add_file(tree, "x/again");
    g_assert_true(is_there("x/again"));
}

static void test_replaced_entries_are_forgotten(void) {
    g_autoptr(BerthTree) tree = new_tree_on(BERTH_LOWER_NONE, -1);
    GError *error = NULL;

    add_directory(tree, "x");
    add_directory(tree, "x/y");
    add_directory(tree, "x-beside");
    add_symlink(tree, "x", "/etc");
    g_assert_false(berth_tree_has(tree->times, "x/y"));
    g_assert_true(berth_tree_has(tree->times, "x-beside"));
    g_assert_true(berth_tree_finish(tree, &error));
    g_assert_no_error(error);
}

/* The tree keeps the parent of the last entry open. Here an entry replaces this parent through a
 * link to it, so the next entry must not use the open directory. */
static void test_a_parent_is_replaced_through_a_link(void) {
    g_autoptr(BerthTree) tree = new_tree_on(BERTH_LOWER_NONE, -1);

    add_symlink(tree, "l", ".");
    add_file(tree, "l/first");
    add_directory(tree, "l/l");
    add_file(tree, "l/second");
    g_assert_true(is_there("first"));
    g_assert_true(is_there("l/second"));
    g_assert_false(is_there("second"));
}

static void test_links_to_lower_layers_are_deferred(void) {
    g_autoptr(BerthTree) tree = new_tree();

    add_link(tree, "new", "not/here");
    add_link(tree, "newer", "new");
    g_assert_cmpuint(tree->all_links->len, ==, 1);
    g_assert_true(berth_tree_has(tree->links, "newer"));
    add_file(tree, "new");
    g_assert_false(berth_tree_has(tree->links, "new"));
}

static void test_chains_of_links_to_later_entries(void) {
    g_autoptr(BerthTree) tree = new_tree_on(BERTH_LOWER_NONE, -1);
    GError *error = NULL;
    bool is_inexact;

    add_link(tree, "a", "b");
    add_link(tree, "b", "d/c");
    add_directory(tree, "d");
    add_file(tree, "d/c");
    g_assert_true(berth_settle(tree, -1, &is_inexact, &error));
    g_assert_no_error(error);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"a", "b", "d/c"};
        g_autofree char *path = g_build_filename(directory, names[i], NULL);
        struct stat status;
        g_assert_cmpint(stat(path, &status), ==, 0);
        g_assert_cmpuint(status.st_nlink, ==, 3);
    }
}

static void test_links_that_lead_nowhere_are_refused(void) {
    g_autoptr(BerthTree) tree = new_tree_on(BERTH_LOWER_NONE, -1);
    g_autoptr(GError) error = NULL;
    bool is_inexact;

    add_link(tree, "a", "b");
    add_link(tree, "b", "a");
    g_assert_false(berth_settle(tree, -1, &is_inexact, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
}

static void test_whiteouts(void) {
    g_autoptr(BerthTree) tree = new_tree();
    g_autofree char *path = g_build_filename(directory, "gone", NULL);
    GError *error = NULL;
    struct stat status;
    bool was_whiteout;

    g_assert_true(berth_tree_add_whiteout(tree, "gone.wh.not", &was_whiteout, &error));
    g_assert_false(was_whiteout);
    add_whiteout(tree, ".wh.gone");
    g_assert_cmpint(lstat(path, &status), ==, 0);
    g_assert_true(S_ISCHR(status.st_mode));
    g_assert_cmpuint(status.st_rdev, ==, 0);
    g_assert_false(berth_tree_add_whiteout(tree, ".wh.", &was_whiteout, &error));
    g_clear_error(&error);
    g_assert_false(berth_tree_add_whiteout(tree, ".wh...", &was_whiteout, &error));
    g_clear_error(&error);
}

static void test_whiteouts_below_a_file_have_no_effect(void) {
    g_autoptr(BerthTree) tree = new_tree();

    add_file(tree, "file");
    add_whiteout(tree, "file/.wh.gone");
    add_whiteout(tree, "file/.wh..wh..opq");
    g_assert_true(is_there("file"));
    g_assert_cmpuint(g_tree_nnodes(tree->whiteouts), ==, 0);
}

static int open_below(void) {
    g_assert_true(berth_fd_remove_children(below, NULL));
    return open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void test_a_lower_link_makes_the_tree_inexact(void) {
    g_autoptr(BerthTree) tree = new_tree();
    berth_autofd int lower = open_below();
    GError *error = NULL;
    bool is_inexact;

    g_assert_cmpint(symlinkat("usr/lib", lower, "lib"), ==, 0);
    add_file(tree, "lib/x");
    g_assert_true(berth_settle(tree, lower, &is_inexact, &error));
    g_assert_true(is_inexact);
    g_autoptr(BerthTree) again = new_tree_on(BERTH_LOWER_KNOWN, lower);
    add_file(again, "lib/x");
    g_assert_true(berth_settle(again, lower, &is_inexact, &error));
    g_assert_false(is_inexact);
    g_assert_true(is_there("usr/lib/x"));
    g_assert_false(is_there("lib"));
}

static void test_a_lower_link_is_replaced_between_entries(void) {
    berth_autofd int lower = open_below();
    g_autoptr(BerthTree) tree = new_tree_on(BERTH_LOWER_KNOWN, lower);

    g_assert_cmpint(symlinkat(".", lower, "l"), ==, 0);
    add_file(tree, "l/first");
    add_directory(tree, "l/l");
    add_file(tree, "l/second");
    add_file(tree, "first");
    g_assert_true(is_there("l/second"));
    g_assert_false(is_there("second"));
}

static void test_a_listed_directory_replaces_a_lower_link(void) {
    g_autoptr(BerthTree) tree = new_tree();
    berth_autofd int lower = open_below();
    GError *error = NULL;
    bool is_inexact;

    g_assert_cmpint(symlinkat("usr/lib", lower, "lib"), ==, 0);
    add_directory(tree, "lib");
    add_file(tree, "lib/deep/x");
    g_assert_true(berth_settle(tree, lower, &is_inexact, &error));
    g_assert_false(is_inexact);
}

static void test_a_hard_link_refers_to_its_target_at_that_point(void) {
    g_autoptr(BerthTree) tree = new_tree();
    berth_autofd int lower = open_below();
    g_autofree char *path = g_build_filename(directory, "link", NULL);
    g_autofree char *content = NULL;
    GError *error = NULL;
    bool is_inexact;

    berth_autofd int fd = openat(lower, "file", O_WRONLY | O_CREAT, 0600);
    g_assert_true(berth_fd_write_all(fd, "below", 5));
    add_link(tree, "link", "file");
    add_file(tree, "file");
    g_assert_true(berth_settle(tree, lower, &is_inexact, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "below");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("berth-tree-XXXXXX", NULL);
    below = g_dir_make_tmp("berth-tree-XXXXXX", NULL);
#define ADD(name, function) g_test_add_func("/tree/" name, function)
    ADD("normal-paths", test_normal_paths);
    ADD("implied-directories-are-noted-until-listed",
        test_implied_directories_are_noted_until_listed);
    ADD("a-symlink-leads-within-the-root", test_a_symlink_leads_within_the_root);
    ADD("a-root-listed-late-does-not-pass-its-group-on",
        test_a_root_listed_late_does_not_pass_its_group_on);
    ADD("a-parent-directory-may-pass-its-group-on", test_a_parent_directory_may_pass_its_group_on);
    ADD("the-default-acl-of-the-host-is-not-inherited",
        test_the_default_acl_of_the_host_is_not_inherited);
    ADD("symlinks-in-a-ring-are-refused", test_symlinks_in_a_ring_are_refused);
    ADD("a-later-entry-replaces-an-earlier-one", test_a_later_entry_replaces_an_earlier_one);
    ADD("replaced-entries-are-forgotten", test_replaced_entries_are_forgotten);
    ADD("a-parent-is-replaced-through-a-link", test_a_parent_is_replaced_through_a_link);
    ADD("links-to-lower-layers-are-deferred", test_links_to_lower_layers_are_deferred);
    ADD("chains-of-links-to-later-entries", test_chains_of_links_to_later_entries);
    ADD("links-that-lead-nowhere-are-refused", test_links_that_lead_nowhere_are_refused);
    ADD("whiteouts", test_whiteouts);
    ADD("whiteouts-below-a-file-have-no-effect", test_whiteouts_below_a_file_have_no_effect);
    ADD("a-lower-link-makes-the-tree-inexact", test_a_lower_link_makes_the_tree_inexact);
    ADD("a-lower-link-is-replaced-between-entries", test_a_lower_link_is_replaced_between_entries);
    ADD("a-listed-directory-replaces-a-lower-link", test_a_listed_directory_replaces_a_lower_link);
    ADD("a-hard-link-refers-to-its-target-at-that-point",
        test_a_hard_link_refers_to_its_target_at_that_point);
#undef ADD
    int status = g_test_run();
    berth_fd_remove_children(directory, NULL);
    berth_fd_remove_children(below, NULL);
    g_rmdir(directory);
    g_rmdir(below);
    g_free(directory);
    g_free(below);
    return status;
}
