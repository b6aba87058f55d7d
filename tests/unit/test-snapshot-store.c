/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The snapshot store: rows and directories that a crash, a power failure or an error has left
 * without each other. */

#include "base/fd.h"
#include "snapshots/snapshot-store.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

#define LOW "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define LOW_NAME "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define TOP "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static char *path;
static int directory = -1;
static sd_event *event;
static BerthDatabase *database;
static BerthSnapshotStore *store;

static void open_store(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *file = g_build_filename(path, "berth.db", NULL);

    database = berth_database_open(file, &error);
    g_assert_no_error(error);
    store = berth_snapshot_store_open(event, directory, database, &error);
    g_assert_no_error(error);
}

static void close_store(void) {
    g_clear_pointer(&store, berth_snapshot_store_free);
    g_clear_pointer(&database, berth_database_close);
}

static void set_up(void) {
    g_assert_cmpint(sd_event_new(&event), >=, 0);
    path = g_dir_make_tmp("berth-snapshots-XXXXXX", NULL);
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    open_store();
}

static void tear_down(void) {
    close_store();
    berth_fd_remove_children(path, NULL);
    g_rmdir(path);
    berth_fd_clear(&directory);
    g_clear_pointer(&path, g_free);
    event = sd_event_unref(event);
}

static void run_sql(const char *sql) {
    g_autoptr(GError) error = NULL;

    berth_database_run(database, &error, sql, "");
    g_assert_no_error(error);
}

static bool commit_snapshot(const char *chain_id, const char *parent, GError **error) {
    g_autofree char *key = NULL;
    berth_autofd int fd = berth_snapshot_store_begin(store, &key, error);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(mkdirat(fd, "new", 0755), ==, 0);
    bool done = berth_snapshot_store_commit(store, key, chain_id, parent, 1, error);
    if (!done)
        berth_snapshot_store_discard(store, key);
    return done;
}

static bool has_file(const char *name) {
    return faccessat(directory, name, F_OK, 0) == 0;
}

/* As when the last transactions before a power failure are lost, but the removal is not. */
static void test_a_row_without_a_directory_is_forgotten_at_the_next_start(void) {
    set_up();
    g_assert_true(commit_snapshot(LOW, NULL, NULL));
    g_assert_true(commit_snapshot(TOP, LOW, NULL));
    run_sql("UPDATE snapshots SET boot = NULL");
    close_store();
    g_assert_cmpint(renameat(directory, "snapshots/" LOW_NAME, directory, "gone"), ==, 0);
    open_store();
    g_assert_false(berth_snapshot_store_has(store, LOW));
    g_assert_true(berth_snapshot_store_has(store, TOP));
    /* Unpacked again, the chain is complete. */
    g_assert_true(commit_snapshot(LOW, NULL, NULL));
    g_autoptr(GArray) layers = berth_snapshot_store_open_chain(store, TOP, NULL);
    g_assert_nonnull(layers);
    g_assert_cmpuint(layers->len, ==, 2);
    tear_down();
}

/* A full disk may have prevented the row after the rename, or the rename after the row. */
static void test_a_directory_without_a_row_does_not_keep_a_snapshot_from_being_committed(void) {
    g_autoptr(GError) error = NULL;

    set_up();
    run_sql(
        "CREATE TRIGGER full BEFORE INSERT ON snapshots BEGIN SELECT raise(ABORT, 'full'); END");
    g_assert_false(commit_snapshot(LOW, NULL, NULL));
    run_sql("DROP TRIGGER full");
    g_assert_cmpint(mkdirat(directory, "snapshots/" LOW_NAME, 0755) == 0 || errno == EEXIST, ==, 1);
    g_assert_cmpint(mkdirat(directory, "snapshots/" LOW_NAME "/old", 0755), ==, 0);
    commit_snapshot(LOW, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(has_file("snapshots/" LOW_NAME "/new"));
    g_assert_false(has_file("snapshots/" LOW_NAME "/old"));
    close_store();
    open_store();
    g_assert_true(has_file("snapshots/" LOW_NAME "/new"));
    tear_down();
}

static void test_mount_points_are_complete_after_a_crash(void) {
    set_up();
    close_store();
    g_assert_cmpint(renameat(directory, "mount-points", directory, "mount-points.new"), ==, 0);
    g_assert_cmpint(unlinkat(directory, "mount-points.new/all/etc/hosts", 0), ==, 0);
    open_store();
    g_assert_true(has_file("mount-points/all/etc/hosts"));
    g_assert_true(has_file("mount-points/no-hosts/etc/resolv.conf"));
    g_assert_false(has_file("mount-points/no-hosts/etc/hosts"));
    g_assert_false(has_file("mount-points.new"));
    tear_down();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/snapshot-store/lost-directory",
                    test_a_row_without_a_directory_is_forgotten_at_the_next_start);
    g_test_add_func("/snapshot-store/lost-row",
                    test_a_directory_without_a_row_does_not_keep_a_snapshot_from_being_committed);
    g_test_add_func("/snapshot-store/mount-points", test_mount_points_are_complete_after_a_crash);
    return g_test_run();
}
