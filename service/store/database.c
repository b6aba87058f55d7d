/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * BerthDatabase is one connection, owned by berthd and used only from its main thread. Its schema
 * is upgraded when it is opened, with one transaction per version. Transactions nest by counting:
 * the outermost end commits, unless an inner one has failed.
 *
 * synchronous=NORMAL: a crash of the service loses nothing; after a power failure the last
 * transactions may be lost, but never part of one. Data that must not be lost in this case (a blob
 * under its digest) is in the file system and is synced, or berth_database_sync() is called.
 */

#include "store/database.h"

#include "base/fd.h"
#include "base/size.h"
#include "store/schema.h"
#include "store/statements.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

/* "Brth", by which file(1) and other programs can tell whose database this is. */
#define APPLICATION_ID 0x42727468
#define APPLICATION_ID_TEXT G_STRINGIFY(APPLICATION_ID)

enum { LOG_BYTES = 5 * 1024 * 1024, RESERVED_BYTES = 1024 * 1024 };

struct BerthDatabase {
    sqlite3 *handle;
    int file, log;  /* the database and its write-ahead log, for reserving space; -1: none */
    unsigned depth; /* number of nested transactions */
    bool failed;    /* an inner transaction requested a rollback */
    bool is_new;    /* its schema has just been made */
};

/* A full disk has a separate error code: the caller can free space and try again. */
static bool database_fail(BerthDatabase *database, const char *what, GError **error) {
    int code = sqlite3_errcode(database->handle);

    return berth_error_set(error, code == SQLITE_FULL ? BERTH_ERROR_NO_SPACE : BERTH_ERROR_INTERNAL,
                           "database: %s: %s", what, sqlite3_errmsg(database->handle));
}

static bool database_execute(BerthDatabase *database, const char *sql, GError **error) {
    return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
           database_fail(database, "execute", error);
}

static bool read_number(BerthDatabase *database, const char *sql, int64_t *number, GError **error) {
    g_autoptr(BerthRows) rows = berth_database_query(database, error, sql, "");

    if (!rows || !berth_database_step(rows, error))
        return false;
    *number = sqlite3_column_int64(rows, 0);
    return true;
}

/* In one transaction, so that a crash leaves the old schema intact. */
static bool database_upgrade(BerthDatabase *database, int from, GError **error) {
    g_autofree char *version = g_strdup_printf("PRAGMA user_version = %d", from + 1);

    if (!berth_database_begin(database, error))
        return false;
    bool made = database_execute(database, berth_schemas[from], error) &&
                database_execute(database, version, error);
    return berth_database_end(database, made, made ? error : NULL) && made;
}

/* Allocates what is not yet allocated. The allocated blocks are compared first: on tmpfs,
 * fallocate(2) walks all pages even if there is nothing to allocate, and this runs at every start
 * of the service. */
static void database_allocate(int file, int64_t bytes) {
    struct stat status;

    if (fstat(file, &status) == 0 && status.st_blocks * 512 < bytes)
        (void)posix_fallocate(file, 0, bytes);
}

/*
 * A full disk must not keep the service from recording exits. Therefore the write-ahead log keeps
 * the space for one checkpoint interval (1000 pages) allocated, and the database file, into which
 * checkpoints copy, is kept larger than its content. If there is not even enough space for this,
 * the service runs without the reserve. SQLite's own SQLITE_FCNTL_SIZE_HINT would write a byte into
 * each page.
 */
static void database_reserve_space(BerthDatabase *database) {
    int persist = 1, chunk = RESERVED_BYTES;
    int64_t pages, page_size;

    sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
    if (database->file >= 0 && read_number(database, "PRAGMA page_count", &pages, NULL) &&
        read_number(database, "PRAGMA page_size", &page_size, NULL))
        database_allocate(database->file, pages * page_size + RESERVED_BYTES);
    /* Zeros after the last frame do not have a valid salt, so SQLite considers them the end of the
     * log (sqlite.org/fileformat2.html, 4.4). */
    if (database->log >= 0)
        database_allocate(database->log, LOG_BYTES);
}

static bool database_refuse(GError **error) {
    return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "this is not a database of Berth; restore the database from a copy, or "
                           "move what is there elsewhere");
}

/*
 * Before anything is changed: the file may belong to another program. Databases of Berth had no
 * application ID at first and are known by their tables, which every version has. A new database
 * has none.
 */
static bool database_is_own(BerthDatabase *database, int64_t version, int64_t application,
                            bool *is_own, GError **error) {
    static const char own[] =
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN "
        "('images', 'labels', 'ingests', 'snapshots', 'children', 'image_info', 'containers')";
    int64_t tables = 0;

    if (application == 0 &&
        !read_number(database, version > 0 ? own : "SELECT count(*) FROM sqlite_master", &tables,
                     error))
        return false;
    *is_own =
        application == APPLICATION_ID || (application == 0 && tables == (version > 0 ? 7 : 0));
    return true;
}

static bool database_identify(BerthDatabase *database, int64_t *version, int64_t *application,
                              GError **error) {
    bool is_own = false;
    bool known = read_number(database, "PRAGMA user_version", version, error) &&
                 read_number(database, "PRAGMA application_id", application, error) &&
                 database_is_own(database, *version, *application, &is_own, error);

    if (known ? is_own : sqlite3_errcode(database->handle) != SQLITE_NOTADB)
        return known;
    g_clear_error(error);
    return database_refuse(error);
}

static bool set_up_schema(BerthDatabase *database, bool is_used, GError **error) {
    int64_t version, application;

    /* SQLite would keep up to 2 MB of pages for as long as the connection is open. The kernel
     * caches the file as well. */
    if (!database_identify(database, &version, &application, error) ||
        !database_execute(database,
                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                          "PRAGMA cache_size = -128;",
                          error))
        return false;
    if (version > berth_schema_version)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the database has schema version %d, but this version of Berth "
                               "supports versions up to %d; install the Berth that wrote it",
                               (int)version, berth_schema_version);
    if (version == 0 && is_used)
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                               "the database is missing or empty, although there are containers or "
                               "volumes: restore it from a copy, or move what is in the "
                               "directories containers and volumes elsewhere");
    database->is_new = version == 0;
    for (; version < berth_schema_version; version++)
        if (!database_upgrade(database, (int)version, error))
            return false;
    return application != 0 ||
           database_execute(database, "PRAGMA application_id = " APPLICATION_ID_TEXT, error);
}

/* A new database is on disk before anything else is made: otherwise a power failure could leave
 * objects beside an empty one, which berth_database_open_used() would refuse. */
static bool database_persist(BerthDatabase *database, const char *path, GError **error) {
    g_autofree char *parent = g_path_get_dirname(path);
    berth_autofd int directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return berth_database_sync(database, error) &&
           ((directory >= 0 && fsync(directory) == 0) ||
            berth_error_set_errno(error, errno, "sync the directory of the database"));
}

static void database_fail_to_open(BerthDatabase *database, const char *path, GError **error) {
    struct stat status;

    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        database_refuse(error);
    else
        database_fail(database, "open", error);
}

static BerthDatabase *database_open(const char *path, bool is_used, GError **error) {
    g_autoptr(BerthDatabase) database = g_new0(BerthDatabase, 1);
    g_autofree char *log = g_strconcat(path, "-wal", NULL);

    database->file = database->log = -1;
    /* NOMUTEX: all statements of berthd run in one thread. */
    if (sqlite3_open_v2(path, &database->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        !set_up_schema(database, is_used, error)) {
        if (error && !*error)
            database_fail_to_open(database, path, error);
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    database->file = open(path, O_WRONLY | O_CLOEXEC);
    database->log = open(log, O_WRONLY | O_CLOEXEC);
    if (database->is_new && !database_persist(database, path, error))
        return NULL;
    database_reserve_space(database);
    return g_steal_pointer(&database);
}

BerthDatabase *berth_database_open(const char *path, GError **error) {
    return database_open(path, false, error);
}

BerthDatabase *berth_database_open_used(const char *path, GError **error) {
    return database_open(path, true, error);
}

/* The log is emptied and its space reserved again now, when nobody is waiting; otherwise the next
 * start would read it from end to end and copy data that has long been in the database. The
 * descriptors are closed last: closing any descriptor of a file drops all locks that the process
 * holds on that file (fcntl(2)). */
void berth_database_close(BerthDatabase *database) {
    if (!database)
        return;
    berth_statements_drop(database->handle);
    if (database->log >= 0 &&
        sqlite3_wal_checkpoint_v2(database->handle, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                  NULL) == SQLITE_OK)
        database_allocate(database->log, LOG_BYTES);
    sqlite3_close_v2(database->handle);
    berth_fd_clear(&database->file);
    berth_fd_clear(&database->log);
    g_free(database);
}

/* A transaction that a checkpoint has already copied to the database is synced there: SQLite syncs
 * both files then (sqlite.org/wal.html, section 3.1). */
bool berth_database_sync(BerthDatabase *database, GError **error) {
    return database->log < 0 || fdatasync(database->log) == 0 ||
           berth_error_set_errno(error, errno, "sync the database");
}

void berth_database_shrink(BerthDatabase *database) {
    berth_statements_drop(database->handle);
    (void)sqlite3_db_release_memory(database->handle);
}

/* Binds the arguments according to types. SQLite copies the strings (SQLITE_TRANSIENT), so the
 * caller may free them before it steps through the rows. */
static sqlite3_stmt *prepare_statement(BerthDatabase *database, GError **error, const char *sql,
                                       const char *types, va_list arguments) {
    g_autoptr(BerthRows) statement = berth_statements_take(database->handle, sql);

    if (!statement) {
        database_fail(database, "prepare", error);
        return NULL;
    }
    for (int i = 0; types[i]; i++) {
        int r = types[i] == 's'
                    ? sqlite3_bind_text(statement, i + 1, va_arg(arguments, const char *), -1,
                                        SQLITE_TRANSIENT)
                    : sqlite3_bind_int64(statement, i + 1, va_arg(arguments, int64_t));
        if (r != SQLITE_OK) {
            database_fail(database, "bind", error);
            return NULL;
        }
    }
    return g_steal_pointer(&statement);
}

bool berth_database_run(BerthDatabase *database, GError **error, const char *sql, const char *types,
                        ...) {
    g_autoptr(GError) local = NULL;
    va_list arguments;

    va_start(arguments, types);
    g_autoptr(BerthRows) statement = prepare_statement(database, &local, sql, types, arguments);
    va_end(arguments);
    /* Steps to the end: outside a transaction, SQLite commits when the statement has finished. */
    while (!local && berth_database_step(statement, &local))
        ;
    if (!local)
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

sqlite3_stmt *berth_database_query(BerthDatabase *database, GError **error, const char *sql,
                                   const char *types, ...) {
    va_list arguments;

    va_start(arguments, types);
    sqlite3_stmt *rows = prepare_statement(database, error, sql, types, arguments);
    va_end(arguments);
    return rows;
}

void berth_rows_free(BerthRows *rows) {
    berth_statements_give_back(rows);
}

bool berth_database_step(sqlite3_stmt *rows, GError **error) {
    int r = sqlite3_step(rows);

    if (r == SQLITE_ROW)
        return true;
    if (r != SQLITE_DONE)
        berth_error_set(error, r == SQLITE_FULL ? BERTH_ERROR_NO_SPACE : BERTH_ERROR_INTERNAL,
                        "database: %s", sqlite3_errmsg(sqlite3_db_handle(rows)));
    return false;
}

/* The database sorts such a key differently from the text that is shown in its place, but paging
 * needs the order of the text. */
bool berth_database_has_key(sqlite3_stmt *rows) {
    return sqlite3_column_type(rows, 0) != SQLITE_TEXT ||
           g_utf8_validate((const char *)sqlite3_column_text(rows, 0), -1, NULL);
}

GPtrArray *berth_database_list(BerthDatabase *database, sqlite3_stmt *rows, BerthRowRead read,
                               GDestroyNotify free_item, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_item);
    g_autoptr(BerthRows) owned = rows;
    g_autoptr(GError) local = NULL;

    if (!owned)
        return NULL;
    while (berth_database_step(owned, &local))
        if (berth_database_has_key(owned))
            g_ptr_array_add(list, read(database, owned));
    if (!local)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

gpointer berth_database_read_text(BerthDatabase *database, sqlite3_stmt *rows) {
    (void)database;
    return g_strdup(berth_database_text(rows, 0));
}

/* A message cannot carry text that is not UTF-8: one damaged row would break every listing. */
const char *berth_database_text(sqlite3_stmt *rows, int i) {
    const unsigned char *text = sqlite3_column_text(rows, i);

    if (!text)
        return "";
    return g_utf8_validate((const char *)text, -1, NULL) ? (const char *)text
                                                         : "\357\277\275"; /* U+FFFD */
}

const char *berth_database_short_text(sqlite3_stmt *rows, int i, int bytes) {
    return sqlite3_column_bytes(rows, i) <= bytes ? berth_database_text(rows, i) : "";
}

uint64_t berth_database_size(sqlite3_stmt *rows, int i) {
    double size = sqlite3_column_double(rows, i);

    /* The conversion to double rounds the maximum up, to 2^63, which no int64_t can hold. */
    return size < (double)BERTH_MAX_SUM_BYTES ? (uint64_t)MAX(size, 0) : BERTH_MAX_SUM_BYTES;
}

int64_t berth_database_last_row(BerthDatabase *database) {
    return sqlite3_last_insert_rowid(database->handle);
}

bool berth_database_begin(BerthDatabase *database, GError **error) {
    /* IMMEDIATE takes the write lock at once. A deferred transaction takes it at its first write,
     * and fails with SQLITE_BUSY if another connection has written since its first read. */
    if (database->depth == 0 && !database_execute(database, "BEGIN IMMEDIATE", error))
        return false;
    database->depth++;
    return true;
}

/* keep is false if a statement has failed; such callers pass NULL as error, since theirs is already
 * set. An inner end only records the failure; the outermost one then rolls everything back. */
bool berth_database_end(BerthDatabase *database, bool keep, GError **error) {
    g_assert(database->depth > 0);
    database->failed = database->failed || !keep;
    if (--database->depth > 0)
        return true;
    bool undo = database->failed;
    database->failed = false;
    if (!undo && database_execute(database, "COMMIT", error))
        return true;
    /* Also done after a failed COMMIT, which may leave the transaction open. If SQLite has already
     * rolled it back, this fails harmlessly (sqlite.org/lang_transaction.html, section 3). */
    return database_execute(database, "ROLLBACK", undo ? error : NULL) && undo;
}

bool berth_database_set_labels(BerthDatabase *database, const char *kind, const char *owner,
                               char *const *labels, GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done = berth_database_run(
        database, error, "DELETE FROM labels WHERE kind = ?1 AND owner = ?2", "ss", kind, owner);
    for (char *const *label = labels; done && label && *label; label += 2)
        done = berth_database_run(database, error,
                                  "INSERT OR REPLACE INTO labels VALUES (?1, ?2, ?3, ?4)", "ssss",
                                  kind, owner, label[0], label[1]);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

char **berth_database_get_labels(BerthDatabase *database, const char *kind, const char *owner) {
    g_autoptr(GPtrArray) labels = g_ptr_array_new();
    g_autoptr(BerthRows) rows = berth_database_query(
        database, NULL, "SELECT key, value FROM labels WHERE kind = ?1 AND owner = ?2", "ss", kind,
        owner);

    while (rows && berth_database_step(rows, NULL)) {
        g_ptr_array_add(labels, g_strdup(berth_database_text(rows, 0)));
        g_ptr_array_add(labels, g_strdup(berth_database_text(rows, 1)));
    }
    g_ptr_array_add(labels, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&labels), FALSE);
}
