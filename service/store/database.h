/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth.db, the SQLite database (in WAL mode) of everything that is not file content: names,
 * labels, containers, events, rights. The stores of this folder and of snapshots/ have their tables
 * in it; SQL appears nowhere else.
 */

#pragma once

#include "base/error.h"

#include <sqlite3.h>

typedef struct BerthDatabase BerthDatabase;

/* Opens or creates path and brings its schema up to date. A database of a newer Berth is
 * FailedPrecondition, a damaged one Internal; neither is touched. */
BerthDatabase *berth_database_open(const char *path, GError **error);
void berth_database_close(BerthDatabase *database);

/* Runs one statement. types has one letter for each parameter: s (const char *, may be NULL) or i
 * (int64_t). */
bool berth_database_run(BerthDatabase *database, GError **error, const char *sql, const char *types,
                        ...);

/* A query: berth_database_step until it is false, then look at error. Freed by autoptr. */
sqlite3_stmt *berth_database_query(BerthDatabase *database, GError **error, const char *sql,
                                   const char *types, ...);
bool berth_database_step(sqlite3_stmt *rows, GError **error);

/* Makes an item, which the list owns, from the present row. */
typedef gpointer (*BerthRowRead)(BerthDatabase *database, sqlite3_stmt *rows);
/* The items of all rows of a query that have a key, see below. The query is freed; NULL with error,
 * also for the NULL of a query that has failed. */
GPtrArray *berth_database_list(BerthDatabase *database, sqlite3_stmt *rows, BerthRowRead read,
                               GDestroyNotify free_item, GError **error);
/* A BerthRowRead: column 0 as a string, freed by g_free. */
gpointer berth_database_read_text(BerthDatabase *database, sqlite3_stmt *rows);

/* Whether the first column, the key of what a row is about, can be named by a message: damaged text
 * cannot, and lists leave such a row out. */
bool berth_database_has_key(sqlite3_stmt *rows);

/* Column i as a string, which belongs to the row; "" if it is NULL, and U+FFFD for damaged text. */
const char *berth_database_text(sqlite3_stmt *rows, int i);
/* The same; "" for one of more bytes than it can have, which an earlier version may have stored. */
const char *berth_database_short_text(sqlite3_stmt *rows, int i, int bytes);

int64_t berth_database_last_row(BerthDatabase *database);

/* Several statements as one. They nest: only the outermost pair counts. A failed end undoes all. */
bool berth_database_begin(BerthDatabase *database, GError **error);
bool berth_database_end(BerthDatabase *database, bool keep, GError **error);

/* Labels of images, blobs and containers, the kinds. Replaces all labels of (kind, owner). */
bool berth_database_set_labels(BerthDatabase *database, const char *kind, const char *owner,
                               char *const *labels, GError **error);

/* A vector of alternating keys and values; empty if there are none. */
char **berth_database_get_labels(BerthDatabase *database, const char *kind, const char *owner);

typedef sqlite3_stmt BerthRows;
void berth_rows_free(BerthRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthRows, berth_rows_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthDatabase, berth_database_close)
