/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The database: opening, transactions, schema versions, and which blobs and snapshots are kept. */

#include "store/database.h"
#include "store/event-store.h"
#include "store/image-store.h"
#include "store/provenance.h"
#include "store/reach.h"

#include <glib/gstdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char *directory;

static BerthDatabase *open_new(char **path) {
    static int counter;
    g_autofree char *name = g_strdup_printf("%d.db", counter++);
    g_autoptr(GError) error = NULL;

    *path = g_build_filename(directory, name, NULL);
    BerthDatabase *database = berth_database_open(*path, &error);
    g_assert_no_error(error);
    return database;
}

static void assert_names(const GError *error, const char *path) {
    g_assert_true(g_str_has_prefix(error->message, path));
}

static void test_a_database_opens_again(void) {
    g_autofree char *path = NULL;

    berth_database_close(open_new(&path));
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthDatabase) again = berth_database_open(path, &error);
    g_assert_no_error(error);
}

static void open_and_die(const char *path) {
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0)
        _exit(berth_database_open(path, NULL) ? 0 : 1);
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

/* The space that is reserved in case the disk becomes full depends on the size of the data; each
 * opening does not add to it. */
static void test_opening_does_not_grow_the_database(void) {
    g_autofree char *path = NULL;
    GStatBuf first, last;

    berth_database_close(open_new(&path));
    open_and_die(path);
    g_assert_cmpint(g_stat(path, &first), ==, 0);
    for (int i = 0; i < 5; i++)
        open_and_die(path);
    g_assert_cmpint(g_stat(path, &last), ==, 0);
    g_assert_cmpint(last.st_size, ==, first.st_size);
}

/* Two queries with the same text may run at the same time, and a reused statement keeps no bindings
 * of its former use. */
static void test_statements_are_reused(void) {
    static const char insert[] = "INSERT INTO volumes VALUES (?1, ?2, 0)";
    static const char query[] = "SELECT name FROM volumes ORDER BY name";
    g_autofree char *path = NULL;
    g_autoptr(BerthDatabase) database = open_new(&path);
    g_autoptr(GError) error = NULL;

    g_assert_true(berth_database_run(database, NULL, insert, "si", "a", (int64_t)1));
    g_assert_true(berth_database_run(database, NULL, insert, "si", "b", (int64_t)2));
    /* The name is missing. */
    g_assert_false(berth_database_run(database, &error, insert, "s", NULL));
    g_assert_nonnull(error);
    for (int i = 0; i < 3; i++) {
        g_autoptr(BerthRows) outer = berth_database_query(database, NULL, query, "");
        g_assert_true(berth_database_step(outer, NULL));
        g_autoptr(BerthRows) inner = berth_database_query(database, NULL, query, "");
        g_assert_true(berth_database_step(inner, NULL));
        g_assert_cmpstr(berth_database_text(inner, 0), ==, "a");
        g_assert_true(berth_database_step(outer, NULL));
        g_assert_cmpstr(berth_database_text(outer, 0), ==, "b");
    }
}

/* Otherwise the next start would read the whole log before it answers the first call. */
static void test_closing_leaves_an_empty_log(void) {
    g_autofree char *path = NULL, *log = NULL, *data = NULL;
    BerthDatabase *database = open_new(&path);
    GStatBuf status;
    gsize size;

    log = g_strconcat(path, "-wal", NULL);
    g_assert_true(
        berth_database_run(database, NULL, "INSERT INTO volumes VALUES ('data', 0, 0)", ""));
    berth_database_close(database);
    g_assert_true(g_file_get_contents(log, &data, &size, NULL));
    for (gsize i = 0; i < size; i++)
        g_assert_cmpint(data[i], ==, 0);
    /* The space of the log stays allocated. */
    g_assert_cmpint(g_stat(log, &status), ==, 0);
    g_assert_cmpint(status.st_blocks * 512, >=, 4 * 1024 * 1024);
    database = berth_database_open(path, NULL);
    g_autoptr(BerthRows) rows =
        berth_database_query(database, NULL, "SELECT name FROM volumes", "");
    g_assert_true(berth_database_step(rows, NULL));
    g_assert_cmpstr(berth_database_text(rows, 0), ==, "data");
    g_clear_pointer(&rows, berth_rows_free);
    berth_database_close(database);
}

static void test_a_newer_schema_is_refused(void) {
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    BerthDatabase *database = open_new(&path);

    g_assert_true(berth_database_run(database, NULL, "PRAGMA user_version = 999", ""));
    berth_database_close(database);
    g_assert_null(berth_database_open(path, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION);
}

/* Version 9 did not say whose a source was. */
static void test_sources_of_former_versions_go_to_the_only_user_who_can_have_found_them(void) {
    static const char former[] = "DROP TABLE sources;"
                                 "CREATE TABLE sources (digest TEXT NOT NULL,"
                                 "  locator TEXT NOT NULL, PRIMARY KEY (digest, locator))"
                                 "  WITHOUT ROWID;"
                                 "INSERT INTO sources VALUES ('a', 'x'), ('b', 'x'), ('c', 'x');"
                                 "INSERT INTO holdings VALUES ('a', 1000), ('b', 0), ('b', 1000);"
                                 "PRAGMA user_version = 9";
    g_autofree char *path = NULL;
    BerthDatabase *database = open_new(&path);
    g_auto(GStrv) statements = g_strsplit(former, ";", 0);

    for (char **statement = statements; *statement; statement++)
        g_assert_true(berth_database_run(database, NULL, *statement, ""));
    berth_database_close(database);
    database = berth_database_open(path, NULL);
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL,
        "SELECT group_concat(digest || locator || owner) FROM (SELECT * FROM sources ORDER BY 1)",
        "");
    g_assert_true(berth_database_step(rows, NULL));
    g_assert_cmpstr(berth_database_text(rows, 0), ==, "ax1000,bx-1,cx-1");
    g_clear_pointer(&rows, berth_rows_free);
    berth_database_close(database);
}

static void test_a_damaged_file_is_an_error(void) {
    g_autofree char *path = g_build_filename(directory, "damaged.db", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(
        g_file_set_contents(path, "this is no database, but long enough to look", -1, NULL));
    g_assert_null(berth_database_open(path, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION);
    assert_names(error, path);
}

/* Another program's database must not be changed, not even its journal mode. */
static void test_a_foreign_database_is_refused(void) {
    static const char *const foreign[] = {
        "CREATE TABLE images (id)",
        "CREATE TABLE images (id); PRAGMA user_version = 3",
        "PRAGMA application_id = 5",
        "PRAGMA application_id = 5; PRAGMA user_version = 999",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(foreign); i++) {
        g_autofree char *name = g_strdup_printf("foreign-%zu.db", i), *before = NULL, *after = NULL;
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_autoptr(GError) error = NULL;
        gsize size, size_after;
        sqlite3 *handle;

        g_assert_cmpint(sqlite3_open(path, &handle), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_exec(handle, foreign[i], NULL, NULL, NULL), ==, SQLITE_OK);
        sqlite3_close(handle);
        g_assert_true(g_file_get_contents(path, &before, &size, NULL));
        g_assert_null(berth_database_open(path, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION);
        assert_names(error, path);
        g_assert_nonnull(strstr(error->message, "not a database of Berth"));
        g_assert_true(g_file_get_contents(path, &after, &size_after, NULL));
        g_assert_cmpmem(before, size, after, size_after);
    }
}

static int64_t read_application_id(BerthDatabase *database) {
    g_autoptr(BerthRows) rows = berth_database_query(database, NULL, "PRAGMA application_id", "");

    g_assert_true(berth_database_step(rows, NULL));
    return sqlite3_column_int64(rows, 0);
}

/* Former versions of Berth gave their databases no ID. */
static void test_a_database_without_an_application_id_gets_one(void) {
    g_autofree char *path = NULL;
    BerthDatabase *database = open_new(&path);
    int64_t id = read_application_id(database);

    g_assert_cmpint(id, !=, 0);
    g_assert_true(berth_database_run(database, NULL, "PRAGMA application_id = 0", ""));
    berth_database_close(database);
    database = berth_database_open(path, NULL);
    g_assert_cmpint(read_application_id(database), ==, id);
    berth_database_close(database);
}

static void test_a_directory_in_place_of_the_database_is_named(void) {
    g_autofree char *path = g_build_filename(directory, "directory.db", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    g_assert_null(berth_database_open(path, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION);
    assert_names(error, path);
}

static void test_a_failed_part_rolls_the_transaction_back(void) {
    g_autofree char *path = NULL;
    g_autoptr(BerthDatabase) database = open_new(&path);
    g_autoptr(BerthDescriptor) target = berth_descriptor_new("a/b", "sha256:x", 1);
    BerthDescriptor *before;

    g_assert_true(berth_database_begin(database, NULL));
    g_assert_true(berth_image_store_put(database, "name", target, NULL, 0, &before, NULL));
    g_assert_true(berth_database_end(database, false, NULL));
    g_assert_null(berth_image_store_get(database, "name", NULL));
}

static void test_put_and_delete_return_the_former_target(void) {
    g_autofree char *path = NULL;
    g_autoptr(BerthDatabase) database = open_new(&path);
    g_autoptr(BerthDescriptor) first = berth_descriptor_new("a/b", "sha256:1", 1);
    g_autoptr(BerthDescriptor) second = berth_descriptor_new("a/b", "sha256:2", 2);
    g_autoptr(BerthDescriptor) before = NULL, removed = NULL;
    BerthDescriptor *nothing;
    char *labels[] = {(char *)"key", (char *)"value", NULL};
    g_autoptr(GError) error = NULL;

    g_assert_true(berth_image_store_put(database, "name", first, labels, 0, &nothing, NULL));
    g_assert_null(nothing);
    g_assert_true(berth_image_store_put(database, "name", second, NULL, 0, &before, NULL));
    g_assert_cmpstr(before->digest, ==, "sha256:1");
    g_autoptr(BerthImage) image = berth_image_store_get(database, "name", NULL);
    g_assert_cmpstr(image->target->digest, ==, "sha256:2");
    g_assert_cmpstr(image->labels[1], ==, "value");
    g_assert_true(berth_image_store_delete(database, "name", &removed, NULL));
    g_assert_cmpstr(removed->digest, ==, "sha256:2");
    g_assert_false(berth_image_store_delete(database, "name", &removed, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND);
}

/* Creates an image: an index, which refers to a manifest, which refers to two layers. */
static BerthDatabase *open_with_image(char **path, uint32_t owner) {
    g_autoptr(BerthDescriptor) target = berth_descriptor_new("a/b", "index", 1);
    BerthDatabase *database = open_new(path);
    BerthDescriptor *before;

    g_assert_true(berth_image_store_put(database, "name", target, NULL, owner, &before, NULL));
    g_assert_true(berth_image_store_add_child(database, "index", "manifest", NULL));
    g_assert_true(berth_image_store_add_child(database, "manifest", "layer", NULL));
    g_assert_true(berth_image_store_add_child(database, "manifest", "others", NULL));
    return database;
}

static void assert_keeps(BerthDatabase *database, const char *digest, bool kept) {
    g_autofree char *user = berth_reach_find_image(database, digest);

    g_assert_cmpstr(user, ==, kept ? "name" : NULL);
    g_assert_true(berth_reach_begin(database, NULL));
    g_assert_true(berth_reach_spread_blobs(database, NULL));
    g_assert_cmpint(berth_reach_has_blob(database, digest), ==, kept);
}

static void test_keepers_of_a_blob_are_found(void) {
    g_autofree char *path = NULL;
    g_autoptr(BerthDatabase) database = open_with_image(&path, 0);

    assert_keeps(database, "layer", true);
    assert_keeps(database, "others", true);
    assert_keeps(database, "other", false);
}

static void test_name_of_a_user_keeps_held_content(void) {
    g_autofree char *path = NULL;
    g_autoptr(BerthDatabase) database = open_with_image(&path, 1000);

    g_assert_true(berth_provenance_hold(database, 1000, "layer", NULL));
    g_assert_true(berth_provenance_hold(database, 1001, "others", NULL));
    assert_keeps(database, "index", true);
    /* The user must also hold the manifest that refers to the layer. */
    assert_keeps(database, "layer", false);
    g_assert_true(berth_provenance_hold(database, 1001, "manifest", NULL));
    assert_keeps(database, "manifest", false);
    g_assert_true(berth_provenance_hold(database, 1000, "manifest", NULL));
    assert_keeps(database, "layer", true);
    assert_keeps(database, "others", false);
    /* The name now also keeps the content that the second user holds. */
    g_assert_true(berth_provenance_vouch(database, "name", 1001, false, NULL));
    assert_keeps(database, "others", true);
}

static void test_a_users_name_keeps_a_snapshot_of_its_own_layers(void) {
    g_autofree char *path = NULL;
    g_autoptr(BerthDatabase) database = open_with_image(&path, 1000);

    for (unsigned i = 0; i < 3; i++) {
        static const char *const held[] = {"manifest", "layer", "others"};
        g_assert_true(berth_reach_begin(database, NULL));
        g_assert_true(berth_reach_spread_blobs(database, NULL));
        g_assert_false(berth_reach_keeps_chain(database, "manifest", "chain"));
        g_assert_true(berth_provenance_hold(database, 1000, held[i], NULL));
    }
    g_assert_true(berth_reach_begin(database, NULL));
    g_assert_true(berth_reach_spread_blobs(database, NULL));
    g_assert_false(berth_reach_keeps_chain(database, "manifest", "chain"));
    g_assert_true(berth_provenance_add_chain(database, "manifest", "chain", NULL));
    g_assert_true(berth_reach_keeps_chain(database, "manifest", "chain"));
}

static void add_events(BerthDatabase *database, uint32_t owner, unsigned count) {
    const BerthEvent event = {
        .kind = (char *)"start", .id = (char *)"a", .process = (char *)"", .owner = owner};
    uint64_t sequence;

    g_assert_true(berth_database_begin(database, NULL));
    for (unsigned i = 0; i < count; i++)
        g_assert_true(berth_event_store_add(database, &event, &sequence, NULL));
    g_assert_true(berth_database_end(database, true, NULL));
}

static void test_many_events_of_a_user_displace_none_of_another(void) {
    g_autofree char *path = NULL;
    g_autoptr(BerthDatabase) database = open_new(&path);
    unsigned counts[3] = {0};

    add_events(database, 1, 3);
    add_events(database, 2, 25000);
    add_events(database, 1, 2);
    add_events(database, 2, 200);
    g_autoptr(GPtrArray) list = berth_event_store_list_since(database, 0, UINT32_MAX, NULL);
    for (guint i = 0; i < list->len; i++)
        counts[((BerthEvent *)list->pdata[i])->owner]++;
    g_assert_cmpuint(counts[1], ==, 5);
    g_assert_cmpuint(counts[1] + counts[2], >=, 20000);
    g_assert_cmpuint(counts[1] + counts[2], <=, 20128);
}

/* As a crash between its creation and its first table, or its loss, leaves it. */
static void test_a_used_database_is_not_made_again(void) {
    g_autofree char *path = g_build_filename(directory, "used.db", NULL);

    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(berth_database_open_used(path, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_FAILED_PRECONDITION);
    }
    berth_database_close(berth_database_open(path, NULL));
    BerthDatabase *database = berth_database_open_used(path, NULL);
    g_assert_nonnull(database);
    berth_database_close(database);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("berth-database-XXXXXX", NULL);
    g_test_add_func("/database/a-database-opens-again", test_a_database_opens_again);
    g_test_add_func("/database/a-used-database-is-not-made-again",
                    test_a_used_database_is_not_made_again);
    g_test_add_func("/database/opening-does-not-grow-the-database",
                    test_opening_does_not_grow_the_database);
    g_test_add_func("/database/statements-are-reused", test_statements_are_reused);
    g_test_add_func("/database/closing-leaves-an-empty-log", test_closing_leaves_an_empty_log);
    g_test_add_func("/database/a-newer-schema-is-refused", test_a_newer_schema_is_refused);
    g_test_add_func(
        "/database/sources-of-former-versions-go-to-the-only-user-who-can-have-found-them",
        test_sources_of_former_versions_go_to_the_only_user_who_can_have_found_them);
    g_test_add_func("/database/a-damaged-file-is-an-error", test_a_damaged_file_is_an_error);
    g_test_add_func("/database/a-foreign-database-is-refused", test_a_foreign_database_is_refused);
    g_test_add_func("/database/a-database-without-an-application-id-gets-one",
                    test_a_database_without_an_application_id_gets_one);
    g_test_add_func("/database/a-directory-in-place-of-the-database-is-named",
                    test_a_directory_in_place_of_the_database_is_named);
    g_test_add_func("/database/a-failed-part-rolls-the-transaction-back",
                    test_a_failed_part_rolls_the_transaction_back);
    g_test_add_func("/database/put-and-delete-return-the-former-target",
                    test_put_and_delete_return_the_former_target);
    g_test_add_func("/database/many-events-of-a-user-displace-none-of-another",
                    test_many_events_of_a_user_displace_none_of_another);
    g_test_add_func("/database/keepers-of-a-blob-are-found", test_keepers_of_a_blob_are_found);
    g_test_add_func("/database/name-of-a-user-keeps-held-content",
                    test_name_of_a_user_keeps_held_content);
    g_test_add_func("/database/a-users-name-keeps-a-snapshot-of-its-own-layers",
                    test_a_users_name_keeps_a_snapshot_of_its_own_layers);
    int status = g_test_run();
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", directory);
    g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL);
    g_free(directory);
    return status;
}
