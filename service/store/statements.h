/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prepared statements of a connection, kept for the next use of the same text: to compile a query
 * takes SQLite longer than to run most of them. Used by database.c alone. */

#pragma once

#include <sqlite3.h>

/* A statement that nobody else has, without bindings; NULL: sqlite3_errmsg() says why. */
sqlite3_stmt *berth_statements_take(sqlite3 *connection, const char *sql);
/* It may be kept. NULL is none. */
void berth_statements_give_back(sqlite3_stmt *statement);
/* Before the connection is closed, when all statements have been given back. */
void berth_statements_drop(sqlite3 *connection);
