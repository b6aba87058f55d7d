/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth.db, the SQLite database (in WAL mode) for everything that is not file content: names,
 * labels, containers, events, rights. The stores in this folder and in snapshots/ have their tables
 * in it; there is no SQL anywhere else.
 */

#pragma once

#include "base/error.h"

#include <sqlite3.h>

typedef struct BerthDatabase BerthDatabase;

/* Opens or creates path and upgrades its schema. A database of a newer Berth leads to
 * FailedPrecondition, a damaged one to Internal; both are left untouched. */
BerthDatabase *berth_database_open(const char *path, GError **error);
/* Like berth_database_open, for a database that must have been used before: one that is missing or
 * empty leads to FailedPrecondition, too, and stays so. */
BerthDatabase *berth_database_open_used(const char *path, GError **error);
void berth_database_close(BerthDatabase *database);

/* Waits until all transactions are on disk, so that a power failure cannot lose them. For a change
 * of the file system that would be wrong without its row, and that is rare: it blocks. */
bool berth_database_sync(BerthDatabase *database, GError **error);

/* Frees what is only kept to be faster: idle statements and pages. */
void berth_database_shrink(BerthDatabase *database);

/* Runs one statement. types has one letter for each parameter: s (const char *, may be NULL) or i
 * (int64_t). */
bool berth_database_run(BerthDatabase *database, GError **error, const char *sql, const char *types,
                        ...);

/* Starts a query: call berth_database_step until it returns false, then check error. Freed by
 * autoptr. */
sqlite3_stmt *berth_database_query(BerthDatabase *database, GError **error, const char *sql,
                                   const char *types, ...);
/* Advances to the next row. Returns false at the end, or on failure with error set. */
bool berth_database_step(sqlite3_stmt *rows, GError **error);

/* Creates an item, to be owned by the list, from the current row. */
typedef gpointer (*BerthRowRead)(BerthDatabase *database, sqlite3_stmt *rows);
/* Returns the items of all rows of a query whose key is usable, see below. Frees the query. Returns
 * NULL with error set on failure, including when the query is NULL because it has failed. */
GPtrArray *berth_database_list(BerthDatabase *database, sqlite3_stmt *rows, BerthRowRead read,
                               GDestroyNotify free_item, GError **error);
/* A BerthRowRead: column 0 as a string, freed by g_free. */
gpointer berth_database_read_text(BerthDatabase *database, sqlite3_stmt *rows);

/* Whether the first column, the key of the row's object, can be sent in a message: damaged text
 * cannot, and listings leave such a row out. */
bool berth_database_has_key(sqlite3_stmt *rows);

/* Returns column i as a string, which belongs to the row; "" if it is NULL. Damaged text is
 * returned as U+FFFD. */
const char *berth_database_text(sqlite3_stmt *rows, int i);
/* Like berth_database_text, but returns "" for a string longer than is valid, which an earlier
 * version may have stored. */
const char *berth_database_short_text(sqlite3_stmt *rows, int i, int bytes);

/* Returns a sum of sizes in bytes, at most BERTH_MAX_SUM_BYTES. The query uses total(), since sum()
 * fails beyond that. */
uint64_t berth_database_size(sqlite3_stmt *rows, int i);

/* Returns the row ID of the most recent insertion. */
int64_t berth_database_last_row(BerthDatabase *database);

/* Run several statements as one transaction. They nest: only the outermost pair counts. If an end
 * fails, everything is undone. */
bool berth_database_begin(BerthDatabase *database, GError **error);
bool berth_database_end(BerthDatabase *database, bool keep, GError **error);

/* The labels of images, blobs and containers, which are the kinds. Replaces all labels of (kind,
 * owner). */
bool berth_database_set_labels(BerthDatabase *database, const char *kind, const char *owner,
                               char *const *labels, GError **error);

/* Returns a vector of alternating keys and values; empty if there are none. */
char **berth_database_get_labels(BerthDatabase *database, const char *kind, const char *owner);

typedef sqlite3_stmt BerthRows;
void berth_rows_free(BerthRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthRows, berth_rows_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthDatabase, berth_database_close)
