/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prepared statements of a connection, kept for the next use of the same text: compiling a query
 * takes SQLite longer than running most of them. Used only by database.c.
 */

#pragma once

#include <sqlite3.h>

/* Returns a statement that is not in use and has no bindings. NULL: sqlite3_errmsg() describes the
 * error. */
sqlite3_stmt *berth_statements_take(sqlite3 *connection, const char *sql);
/* Gives a statement back to be kept; NULL is ignored. */
void berth_statements_give_back(sqlite3_stmt *statement);
/* Called before the connection is closed, when all statements have been given back. */
void berth_statements_drop(sqlite3 *connection);
