/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The content store: ingests, commits, and what remains after a crash. */

#include "base/charge.h"
#include "base/fd.h"
#include "store/content-store.h"
#include "store/disk-usage.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static char *path;
static int directory = -1;
static BerthDatabase *database;
static BerthContentStore *store;

static void set_up(void) {
    g_autoptr(GError) error = NULL;

    path = g_dir_make_tmp("berth-content-XXXXXX", NULL);
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autofree char *file = g_build_filename(path, "berth.db", NULL);
    database = berth_database_open(file, &error);
    g_assert_no_error(error);
    store = berth_content_store_open(directory, database, &error);
    g_assert_no_error(error);
}

static void tear_down(void) {
    g_clear_pointer(&store, berth_content_store_free);
    g_clear_pointer(&database, berth_database_close);
    berth_fd_remove_children(path, NULL);
    g_rmdir(path);
    berth_fd_clear(&directory);
    g_clear_pointer(&path, g_free);
}

static void ingest(const char *ref, const char *text) {
    uint64_t offset;
    berth_autofd int fd = berth_content_store_begin(store, ref, 0, 0, &offset, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(berth_fd_write_all(fd, text, strlen(text)));
}

static void test_commit_makes_a_blob(void) {
    g_auto(BerthBlob) blob = {0};
    size_t size;

    set_up();
    ingest("a", "abc");
    g_assert_false(berth_content_store_has(store, ABC));
    g_assert_true(berth_content_store_commit(store, "a", ABC, NULL));
    g_assert_true(berth_content_store_info(store, ABC, &blob, NULL));
    g_assert_cmpuint(blob.size, ==, 3);
    berth_autofd int fd = berth_content_store_open_blob(store, ABC, NULL);
    g_autofree char *text = berth_fd_read_whole(fd, 10, &size, NULL);
    g_assert_cmpstr(text, ==, "abc");
    g_autoptr(GPtrArray) ingests = berth_content_store_list_ingests(store, NULL);
    g_assert_cmpuint(ingests->len, ==, 0);
    tear_down();
}

static void test_a_second_commit_fails_and_keeps_the_blob(void) {
    g_autoptr(GError) error = NULL;

    set_up();
    ingest("a", "abc");
    g_assert_true(berth_content_store_commit(store, "a", ABC, NULL));
    ingest("b", "abc");
    g_assert_false(berth_content_store_commit(store, "b", ABC, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_ALREADY_EXISTS);
    g_assert_true(berth_content_store_has(store, ABC));
    g_autoptr(GPtrArray) ingests = berth_content_store_list_ingests(store, NULL);
    g_assert_cmpuint(ingests->len, ==, 0);
    tear_down();
}

static void test_an_ingest_is_resumed_at_its_offset(void) {
    g_autoptr(GError) error = NULL;
    uint64_t offset;

    set_up();
    ingest("a", "ab");
    berth_autofd int fd = berth_content_store_begin(store, "a", 3, 0, &offset, NULL);
    g_assert_cmpuint(offset, ==, 2);
    g_assert_cmpint(berth_content_store_begin(store, "a", 4, 0, &offset, &error), <, 0);
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION);
    tear_down();
}

static void test_expected_values_of_an_ingest_are_kept(void) {
    g_auto(BerthIngestInfo) info = {0}, later = {0};

    set_up();
    ingest("a", "ab");
    g_assert_true(berth_content_store_status(store, "a", &info, NULL));
    g_assert_cmpstr(info.expected, ==, "");
    g_assert_cmpstr(info.lease, ==, "");
    g_assert_true(berth_content_store_intend(store, "a", ABC, "mine", NULL));
    g_assert_true(berth_content_store_status(store, "a", &later, NULL));
    g_assert_cmpstr(later.expected, ==, ABC);
    g_assert_cmpstr(later.lease, ==, "mine");
    tear_down();
}

static void test_aborting_an_absent_ingest_succeeds(void) {
    g_auto(BerthIngestInfo) info = {0};
    g_autoptr(GError) error = NULL;

    set_up();
    g_assert_true(berth_content_store_abort(store, "never", NULL));
    ingest("a", "abc");
    g_assert_true(berth_content_store_abort(store, "a", NULL));
    g_assert_false(berth_content_store_status(store, "a", &info, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND);
    tear_down();
}

static void test_remains_of_a_crash_are_removed_at_the_next_start(void) {
    g_autoptr(GError) error = NULL;
    struct stat status;

    set_up();
    g_assert_cmpint(mkdirat(directory, "content/ingest/half-made", 0700), ==, 0);
    ingest("whole", "abc");
    berth_content_store_free(store);
    store = berth_content_store_open(directory, database, &error);
    g_assert_no_error(error);
    g_assert_cmpint(fstatat(directory, "content/ingest/half-made", &status, 0), <, 0);
    g_autoptr(GPtrArray) ingests = berth_content_store_list_ingests(store, NULL);
    g_assert_cmpuint(ingests->len, ==, 1);
    tear_down();
}

/* Nobody resumes what a commit or an import has begun, whatever clients call their own ingests. */
static void test_ingests_that_cannot_be_resumed_are_removed_at_the_next_start(void) {
    static const char *const lasting[] = {"7 client container c", "7 client x",
                                          "0 transfer blob " ABC};
    static const char *const others[] = {"7 transfer container c", "0 transfer text 1 2",
                                         "7 transfer import 3"};
    g_autoptr(GError) error = NULL;

    set_up();
    for (gsize i = 0; i < G_N_ELEMENTS(lasting); i++) {
        ingest(lasting[i], "ab");
        ingest(others[i], "ab");
    }
    berth_content_store_free(store);
    store = berth_content_store_open(directory, database, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < G_N_ELEMENTS(lasting); i++) {
        g_auto(BerthIngestInfo) info = {0};
        g_assert_true(berth_content_store_status(store, lasting[i], &info, NULL));
        g_assert_false(berth_content_store_status(store, others[i], &info, NULL));
    }
    tear_down();
}

static void test_a_commit_that_a_crash_interrupted_is_finished_at_the_next_start(void) {
    g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "a", -1);
    g_autoptr(GError) error = NULL;

    set_up();
    ingest("a", "abc");
    ingest("b", "ab");
    /* What berth_content_store_commit() does first. */
    g_autofree char *data = g_build_filename(path, "content", "ingest", name, "data", NULL);
    g_autofree char *blob =
        g_build_filename(path, "content", "blobs", "sha256", ABC + strlen("sha256:"), NULL);
    g_assert_cmpint(g_rename(data, blob), ==, 0);
    berth_content_store_free(store);
    store = berth_content_store_open(directory, database, &error);
    g_assert_no_error(error);
    g_assert_true(berth_content_store_has(store, ABC));
    g_autoptr(GPtrArray) ingests = berth_content_store_list_ingests(store, NULL);
    g_assert_cmpuint(ingests->len, ==, 1);
    g_assert_cmpstr(((BerthIngestInfo *)ingests->pdata[0])->key, ==, "b");
    g_autofree char *rest = g_path_get_dirname(data);
    g_assert_false(g_file_test(rest, G_FILE_TEST_EXISTS));
    tear_down();
}

/* A progress handler of SQLite: interrupts the first step only. */
static int interrupt_once(void *userdata) {
    bool *done = userdata;
    bool interrupts = !*done;

    *done = true;
    return interrupts;
}

static void test_an_ingest_whose_row_cannot_be_read_is_kept(void) {
    g_autoptr(GError) error = NULL;
    bool done = false;

    set_up();
    ingest("a", "ab");
    berth_content_store_free(store);
    g_autoptr(BerthRows) rows = berth_database_query(database, NULL, "SELECT 1", "");
    sqlite3_progress_handler(sqlite3_db_handle(rows), 1, interrupt_once, &done);
    store = berth_content_store_open(directory, database, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    sqlite3_progress_handler(sqlite3_db_handle(rows), 0, NULL, NULL);
    g_clear_pointer(&rows, berth_rows_free);
    g_autoptr(GPtrArray) ingests = berth_content_store_list_ingests(store, NULL);
    g_assert_cmpuint(ingests->len, ==, 1);
    g_assert_cmpuint(((BerthIngestInfo *)ingests->pdata[0])->offset, ==, 2);
    tear_down();
}

/* A loop of links, because permissions do not apply to root. */
static void test_an_ingest_whose_data_cannot_be_examined_is_kept(void) {
    g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "a", -1);
    g_autoptr(GError) error = NULL;

    set_up();
    ingest("a", "ab");
    g_autofree char *ingests = g_build_filename(path, "content", "ingest", NULL);
    g_autofree char *place = g_build_filename(ingests, name, NULL);
    g_assert_true(berth_fd_remove_children(place, NULL));
    g_assert_cmpint(g_rmdir(place), ==, 0);
    g_assert_cmpint(symlink(name, place), ==, 0);
    berth_content_store_free(store);
    store = berth_content_store_open(directory, database, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_test(place, G_FILE_TEST_IS_SYMLINK));
    g_autoptr(GPtrArray) list = berth_content_store_list_ingests(store, NULL);
    g_assert_cmpuint(list->len, ==, 1);
    tear_down();
}

static void test_digests_are_not_used_as_paths(void) {
    static const char *const bad[] = {"sha256:../../berth.db", "../x", "sha256:", ""};
    g_auto(BerthBlob) blob = {0};

    set_up();
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(berth_content_store_info(store, bad[i], &blob, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
        g_assert_false(berth_content_store_unlink(store, bad[i], NULL));
    }
    tear_down();
}

static void begin_sized(const char *key, uint64_t total) {
    uint64_t offset;
    berth_autofd int fd = berth_content_store_begin(store, key, total, 1000, &offset, NULL);

    g_assert_cmpint(fd, >=, 0);
}

static void check_disk_is_full(void) {
    g_autoptr(GError) error = NULL;
    uint64_t left;

    berth_charge_set_limit(BERTH_RESOURCE_DISK, 1 << 20);
    g_assert_false(berth_content_store_check_disk(store, "", 1000, 1, &left, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
    berth_charge_reset_limits();
}

/* A worker can leave sparse files of almost any size. These make 2^64 bytes. */
static void test_the_disk_space_of_huge_ingests_does_not_wrap(void) {
    set_up();
    begin_sized("1000 client a", (uint64_t)INT64_MAX);
    check_disk_is_full();
    begin_sized("1000 client b", (uint64_t)INT64_MAX);
    check_disk_is_full();
    begin_sized("1000 client c", 2);
    check_disk_is_full();
    tear_down();
}

static void test_the_disk_space_of_huge_volumes_does_not_wrap(void) {
    set_up();
    for (int i = 0; i < 4; i++) {
        g_autofree char *name = g_strdup_printf("v%d", i);
        g_assert_true(berth_database_run(database, NULL,
                                         "INSERT INTO volumes (name, owner, created)"
                                         "  VALUES (?1, 1000, 0)",
                                         "s", name));
        g_assert_true(
            berth_disk_usage_set(database, BERTH_DISK_VOLUME, name, (uint64_t)INT64_MAX, NULL));
        g_assert_cmpuint(berth_disk_usage_sum(database, 1000), ==, (uint64_t)INT64_MAX);
        check_disk_is_full();
    }
    begin_sized("1000 client a", (uint64_t)INT64_MAX);
    begin_sized("1000 client b", 2);
    check_disk_is_full();
    tear_down();
}

static void check_sources(const char *digest, uint32_t owner, const char *name,
                          const char *expected) {
    g_auto(GStrv) sources = berth_content_store_get_sources(store, digest, owner, name);
    g_autofree char *found = g_strjoinv(" ", sources);

    g_assert_cmpstr(found, ==, expected);
}

static void test_sources_of_others_are_roots_only_and_come_last(void) {
    set_up();
    for (int i = 0; i < 40; i++) {
        g_autofree char *locator = g_strdup_printf("evil.example/a%02d", i);
        g_assert_true(berth_content_store_add_source(store, ABC, locator, 666, NULL));
    }
    g_assert_true(berth_content_store_add_source(store, ABC, "example.org/hers", 1000, NULL));
    g_assert_true(berth_content_store_add_source(store, ABC, "example.org/x", 666, NULL));
    g_assert_true(berth_content_store_has_source(store, ABC, "example.org/hers"));
    check_sources(ABC, 1000, NULL, "example.org/hers");
    check_sources(ABC, 1000, "example.org/x:1", "example.org/hers example.org/x");
    check_sources(ABC, 1000, "example.org/x@sha256:0", "example.org/hers example.org/x");
    check_sources(ABC, 1000, "example.org/xy:1", "example.org/hers");
    check_sources(ABC, 1001, "example.org/x", "");
    g_assert_true(berth_content_store_add_source(store, ABC, "example.org/root", 0, NULL));
    g_auto(GStrv) all = berth_content_store_get_sources(store, ABC, 0, "example.org/x:1");
    g_assert_cmpuint(g_strv_length(all), ==, 16);
    g_assert_cmpstr(all[0], ==, "example.org/root");
    g_assert_cmpstr(all[1], ==, "example.org/x");
    tear_down();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/content-store/commit-makes-a-blob", test_commit_makes_a_blob);
    g_test_add_func("/content-store/a-second-commit-fails-and-keeps-the-blob",
                    test_a_second_commit_fails_and_keeps_the_blob);
    g_test_add_func("/content-store/an-ingest-is-resumed-at-its-offset",
                    test_an_ingest_is_resumed_at_its_offset);
    g_test_add_func("/content-store/expected-values-of-an-ingest-are-kept",
                    test_expected_values_of_an_ingest_are_kept);
    g_test_add_func("/content-store/aborting-an-absent-ingest-succeeds",
                    test_aborting_an_absent_ingest_succeeds);
    g_test_add_func("/content-store/what-a-crash-leaves-is-removed",
                    test_remains_of_a_crash_are_removed_at_the_next_start);
    g_test_add_func("/content-store/ingests-that-cannot-be-resumed-are-removed-at-the-next-start",
                    test_ingests_that_cannot_be_resumed_are_removed_at_the_next_start);
    g_test_add_func("/content-store/a-commit-that-a-crash-interrupted-is-finished",
                    test_a_commit_that_a_crash_interrupted_is_finished_at_the_next_start);
    g_test_add_func("/content-store/an-ingest-whose-row-cannot-be-read-is-kept",
                    test_an_ingest_whose_row_cannot_be_read_is_kept);
    g_test_add_func("/content-store/an-ingest-whose-data-cannot-be-examined-is-kept",
                    test_an_ingest_whose_data_cannot_be_examined_is_kept);
    g_test_add_func("/content-store/digests-are-not-used-as-paths",
                    test_digests_are_not_used_as_paths);
    g_test_add_func("/content-store/the-disk-space-of-huge-ingests-does-not-wrap",
                    test_the_disk_space_of_huge_ingests_does_not_wrap);
    g_test_add_func("/content-store/the-disk-space-of-huge-volumes-does-not-wrap",
                    test_the_disk_space_of_huge_volumes_does_not_wrap);
    g_test_add_func("/content-store/sources-of-others-are-roots-only-and-come-last",
                    test_sources_of_others_are_roots_only_and_come_last);
    return g_test_run();
}
