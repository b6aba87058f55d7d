/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mount points below a directory, as made by a start and a restore, over links that an image or a
 * container has planted there: wherever they lead, nothing is made outside.
 */

#include "launch/mounts.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The root is inside another directory, so that an escape would be visible there. */
typedef struct {
    char *outside, *inside;
    int root;
} Place;

static void place_make(Place *place) {
    place->outside = g_dir_make_tmp("berth-points-XXXXXX", NULL);
    place->inside = g_build_filename(place->outside, "root", NULL);
    g_assert_cmpint(g_mkdir(place->inside, 0755), ==, 0);
    place->root = open(place->inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint(place->root, >=, 0);
}

/* Checks that nothing was created beside the root. */
static void place_check(const Place *place) {
    g_autoptr(GDir) directory = g_dir_open(place->outside, 0, NULL);

    g_assert_cmpstr(g_dir_read_name(directory), ==, "root");
    g_assert_null(g_dir_read_name(directory));
}

static void place_remove(Place *place) {
    g_autofree char *command = g_strdup_printf("rm -r '%s'", place->outside);

    close(place->root);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    g_free(place->outside);
    g_free(place->inside);
}

static bool exists(const Place *place, const char *path, mode_t type) {
    struct stat status;

    return fstatat(place->root, path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           (status.st_mode & S_IFMT) == type;
}

static void test_links_lead_nowhere_else(void) {
    Place place;
    BerthFault fault;

    place_make(&place);
    g_autofree char *absolute = g_build_filename(place.outside, "absolute", NULL);
    const char *const links[][2] = {{absolute, "absolute"},
                                    {"../above", "up"},
                                    {"../../../../../../../../var/tmp/berth-point", "far"},
                                    {"absolute", "chain"},
                                    {"..", "parent"}};
    for (size_t i = 0; i < G_N_ELEMENTS(links); i++)
        g_assert_cmpint(symlinkat(links[i][0], place.root, links[i][1]), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
        g_autofree char *below = g_strconcat(links[i][1], "/deep/point", NULL);
        g_assert_true(berth_mounts_make_point(place.root, below, true, &fault));
        place_check(&place);
    }
    g_assert_false(g_file_test("/var/tmp/berth-point", G_FILE_TEST_EXISTS));
    /* Links are resolved as for a process whose root is this directory. */
    g_assert_true(exists(&place, "above/deep/point", S_IFDIR));
    g_assert_true(exists(&place, "var/tmp/berth-point/deep/point", S_IFDIR));
    g_assert_true(exists(&place, "deep/point", S_IFDIR));
    g_assert_true(exists(&place, absolute + 1, S_IFDIR));
    place_remove(&place);
}

static void test_parents_lead_nowhere_else(void) {
    Place place;
    BerthFault fault;

    place_make(&place);
    g_assert_true(berth_mounts_make_point(place.root, "../../one/../two", true, &fault));
    g_assert_true(berth_mounts_make_point(place.root, "/../file", false, &fault));
    place_check(&place);
    g_assert_true(exists(&place, "two", S_IFDIR));
    g_assert_true(exists(&place, "file", S_IFREG));
    place_remove(&place);
}

static void test_links_in_a_circle_end(void) {
    Place place;
    BerthFault fault;

    place_make(&place);
    g_assert_cmpint(symlinkat("b", place.root, "a"), ==, 0);
    g_assert_cmpint(symlinkat("a", place.root, "b"), ==, 0);
    g_assert_false(berth_mounts_make_point(place.root, "a/point", true, &fault));
    place_check(&place);
    place_remove(&place);
}

/* Another process replaces a directory with a link in the meantime. */
static gpointer swap(gpointer data) {
    const Place *place = data;

    for (int i = 0; i < 3000; i++) {
        (void)renameat2(place->root, "swapped", place->root, "link", RENAME_EXCHANGE);
        g_thread_yield();
    }
    return NULL;
}

static void test_a_race_leads_nowhere_else(void) {
    Place place;
    BerthFault fault;

    place_make(&place);
    g_assert_cmpint(symlinkat("../above", place.root, "link"), ==, 0);
    g_assert_cmpint(mkdirat(place.root, "swapped", 0755), ==, 0);
    GThread *thread = g_thread_new("swap", swap, &place);
    for (int i = 0; i < 1000; i++) {
        g_autofree char *point = g_strdup_printf("swapped/%d/point", i);
        (void)berth_mounts_make_point(place.root, point, true, &fault);
    }
    g_thread_join(thread);
    place_check(&place);
    place_remove(&place);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mount-points/links-lead-nowhere-else", test_links_lead_nowhere_else);
    g_test_add_func("/mount-points/parents-lead-nowhere-else", test_parents_lead_nowhere_else);
    g_test_add_func("/mount-points/links-in-a-circle-end", test_links_in_a_circle_end);
    g_test_add_func("/mount-points/a-race-leads-nowhere-else", test_a_race_leads_nowhere_else);
    return g_test_run();
}
