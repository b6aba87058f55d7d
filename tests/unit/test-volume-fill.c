/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Filling a new volume with the files that the image has at the mount point. The tests create the
 * state that a killed fill would leave behind.
 */

#include "launch/volume-fill.h"

#include "base/fd.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *directory, *image, *volume;
} Fixture;

static int links_end; /* of put_links() */

/* Which names the volume had when it was synced. */
static bool was_filling, was_filled;

/* In place of the call, whose effect only a power failure shows, and which would take long. */
int syncfs(int fd) {
    struct stat status;

    was_filling = was_filling || fstatat(fd, ".berth-filling/below/two", &status, 0) == 0;
    was_filled = was_filled || fstatat(fd, ".berth-filled", &status, 0) == 0;
    return 0;
}

static char *path_of(const char *directory, const char *name) {
    return g_build_filename(directory, name, NULL);
}

static void put(const char *directory, const char *name, const char *text) {
    g_autofree char *path = path_of(directory, name);
    g_autofree char *parent = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(parent, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void fixture_set_up(Fixture *fixture, const void *data) {
    (void)data;
    fixture->directory = g_dir_make_tmp("test-volume-fill-XXXXXX", NULL);
    fixture->image = path_of(fixture->directory, "image");
    fixture->volume = path_of(fixture->directory, "volume");
    put(fixture->image, "one", "of the image");
    put(fixture->image, "below/two", "of the image, too");
    g_assert_cmpint(g_chmod(fixture->image, 0750), ==, 0);
    g_assert_cmpint(g_mkdir(fixture->volume, 0755), ==, 0);
}

static void fixture_tear_down(Fixture *fixture, const void *data) {
    char *const arguments[] = {(char *)"rm", (char *)"-rf", (char *)"--", fixture->directory, NULL};

    (void)data;
    g_assert_true(g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                               NULL, NULL, NULL, NULL));
    g_free(fixture->directory);
    g_free(fixture->image);
    g_free(fixture->volume);
}

static bool fill(const Fixture *fixture, BerthFault *fault) {
    berth_autofd int image = open(fixture->image, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int volume = open(fixture->volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return berth_volume_fill(image, volume, fault);
}

static void assert_fills(const Fixture *fixture) {
    BerthFault fault = {""};

    g_assert_true(fill(fixture, &fault));
    g_assert_cmpstr(fault.text, ==, "");
}

static void assert_has(const Fixture *fixture, const char *name, const char *text) {
    g_autofree char *path = path_of(fixture->volume, name), *there = NULL;

    g_assert_true(g_file_get_contents(path, &there, NULL, NULL));
    g_assert_cmpstr(there, ==, text);
}

static guint count_entries(const char *path) {
    g_autoptr(GDir) entries = g_dir_open(path, 0, NULL);
    guint count = 0;

    g_assert_nonnull(entries);
    while (g_dir_read_name(entries))
        count++;
    return count;
}

static void assert_whole(const Fixture *fixture) {
    struct stat status;

    assert_has(fixture, "one", "of the image");
    assert_has(fixture, "below/two", "of the image, too");
    g_assert_cmpuint(count_entries(fixture->volume), ==, 2);
    g_assert_cmpint(stat(fixture->volume, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0750);
}

static void test_an_empty_volume_is_filled(Fixture *fixture, const void *data) {
    (void)data;
    assert_fills(fixture);
    assert_whole(fixture);
}

/* After a power failure, a complete copy must not have empty files. */
static void test_a_copy_is_synced_before_it_is_complete(Fixture *fixture, const void *data) {
    (void)data;
    was_filling = was_filled = false;
    assert_fills(fixture);
    g_assert_true(was_filling);
    g_assert_false(was_filled);
}

static void test_a_volume_with_content_is_unchanged(Fixture *fixture, const void *data) {
    (void)data;
    put(fixture->volume, "own", "of a container");
    assert_fills(fixture);
    assert_has(fixture, "own", "of a container");
    g_assert_cmpuint(count_entries(fixture->volume), ==, 1);
}

static void test_an_incomplete_copy_is_made_again(Fixture *fixture, const void *data) {
    (void)data;
    put(fixture->volume, ".berth-filling/one", "of the");
    put(fixture->volume, ".berth-filling/gone/deep/three", "of a former image");
    assert_fills(fixture);
    assert_whole(fixture);
}

/* Acts as another container with this volume: replaces the file that is being copied with links. */
static gpointer put_links(gpointer data) {
    const Fixture *fixture = data;
    g_autofree char *victim = path_of(fixture->directory, "victim");
    g_autofree char *link = path_of(fixture->volume, "link");
    g_autofree char *place = path_of(fixture->volume, ".berth-filling/one");

    while (!g_atomic_int_get(&links_end))
        if (symlink(victim, link) == 0 && rename(link, place) < 0)
            unlink(link);
    unlink(link);
    return NULL;
}

static void test_links_lead_nowhere(Fixture *fixture, const void *data) {
    g_autofree char *large = g_strnfill(1024 * 1024, 'x');
    g_autofree char *victim = path_of(fixture->directory, "victim");
    g_autofree char *own = path_of(fixture->image, "one");
    struct stat status;

    (void)data;
    put(fixture->image, "one", large);
    put(fixture->directory, "victim", "");
    g_assert_cmpint(g_chmod(own, 04755), ==, 0);
    g_assert_cmpint(g_chmod(victim, 0600), ==, 0);
    GThread *thread = g_thread_new("links", put_links, fixture);
    /* Each fill may fail, as the volume may not be empty or the name may exist. */
    for (unsigned i = 0; i < 300; i++) {
        g_autofree char *copy = path_of(fixture->volume, "one");
        g_autofree char *below = path_of(fixture->volume, "below");
        char *const arguments[] = {(char *)"rm", (char *)"-rf", copy, below, NULL};
        BerthFault fault = {""};
        (void)fill(fixture, &fault);
        if (i % 10 == 0)
            g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                         NULL, NULL, NULL);
        unlink(copy);
    }
    g_atomic_int_set(&links_end, true);
    g_thread_join(thread);
    g_assert_cmpint(stat(victim, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
    g_assert_cmpint(status.st_size, ==, 0);
}

/* The image of the next start may be a different one. */
static void test_a_complete_copy_is_moved_up(Fixture *fixture, const void *data) {
    g_autofree char *copy = path_of(fixture->volume, ".berth-filled");

    (void)data;
    put(fixture->volume, "one", "of the image");
    put(fixture->volume, ".berth-filled/below/two", "of the image, too");
    g_assert_cmpint(g_chmod(copy, 0750), ==, 0);
    put(fixture->image, "three", "of the next image");
    assert_fills(fixture);
    assert_whole(fixture);
}

static void test_files_of_a_container_are_not_replaced(Fixture *fixture, const void *data) {
    (void)data;
    put(fixture->volume, "one", "of a container");
    put(fixture->volume, ".berth-filled/one", "of the image");
    put(fixture->volume, ".berth-filling/one", "of the image");
    assert_fills(fixture);
    assert_fills(fixture);
    assert_has(fixture, "one", "of a container");
    g_assert_cmpuint(count_entries(fixture->volume), ==, 1);
}

/* Directories that are nested too deeply make the fill fail. */
static void test_a_failed_fill_is_repeated(Fixture *fixture, const void *data) {
    g_autoptr(GString) deep = g_string_new("deep");
    g_autofree char *away = path_of(fixture->directory, "away"), *from = NULL;
    BerthFault fault = {""};

    (void)data;
    for (int i = 0; i < 300; i++)
        g_string_append(deep, "/d");
    g_string_append(deep, "/end");
    put(fixture->image, deep->str, "");
    g_assert_false(fill(fixture, &fault));
    g_assert_nonnull(strstr(fault.text, "nested too deep"));
    from = path_of(fixture->image, "deep");
    g_assert_cmpint(g_rename(from, away), ==, 0);
    assert_fills(fixture);
    assert_whole(fixture);
}

/* Another container may have put it there. */
static void test_links_in_place_of_work_directories_are_not_followed(Fixture *fixture,
                                                                     const void *data) {
    g_autofree char *link = path_of(fixture->volume, ".berth-filling");
    g_autofree char *filled = path_of(fixture->volume, ".berth-filled");
    g_autofree char *kept = path_of(fixture->directory, "elsewhere/kept");

    (void)data;
    put(fixture->directory, "elsewhere/kept", "of another");
    g_assert_cmpint(symlink("../elsewhere", link), ==, 0);
    g_assert_cmpint(symlink("../elsewhere", filled), ==, 0);
    assert_fills(fixture);
    g_assert_true(g_file_test(kept, G_FILE_TEST_IS_REGULAR));
    g_assert_false(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    g_assert_cmpuint(count_entries(fixture->volume), ==, 1);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(Fixture *fixture, const void *data);
    } tests[] = {
        {"an-empty-volume-is-filled", test_an_empty_volume_is_filled},
        {"a-copy-is-synced-before-it-is-complete", test_a_copy_is_synced_before_it_is_complete},
        {"a-volume-with-content-is-unchanged", test_a_volume_with_content_is_unchanged},
        {"an-incomplete-copy-is-made-again", test_an_incomplete_copy_is_made_again},
        {"links-lead-nowhere", test_links_lead_nowhere},
        {"a-complete-copy-is-moved-up", test_a_complete_copy_is_moved_up},
        {"files-of-a-container-are-not-replaced", test_files_of_a_container_are_not_replaced},
        {"a-failed-fill-is-repeated", test_a_failed_fill_is_repeated},
        {"links-in-place-of-work-directories-are-not-followed",
         test_links_in_place_of_work_directories_are_not_followed},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/volume-fill/", tests[i].name, NULL);
        g_test_add(path, Fixture, NULL, fixture_set_up, tests[i].run, fixture_tear_down);
    }
    return g_test_run();
}
