/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A table for each connection: text → idle statement. A statement in use is in no table, so that a
 * query may run while another one with the same text is running. An idle statement is reset: it
 * holds no lock and no row. SQLite itself recompiles statements if the schema has changed
 * (sqlite3_prepare_v2()).
 */

#include "store/statements.h"

#include <glib.h>

/* Each takes a few kilobytes. Further ones are not kept. */
enum { MAX_IDLE = 64 };

static GHashTable *connections; /* sqlite3 → table */

static void finalize_statement(gpointer statement) {
    sqlite3_finalize(statement);
}

static void unref_table(gpointer table) {
    g_hash_table_unref(table);
}

/* The key is the statement's own text. */
static GHashTable *find_table(sqlite3 *connection) {
    GHashTable *table = connections ? g_hash_table_lookup(connections, connection) : NULL;

    if (table)
        return table;
    if (!connections)
        connections = g_hash_table_new_full(NULL, NULL, NULL, unref_table);
    table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, finalize_statement);
    g_hash_table_insert(connections, connection, table);
    return table;
}

sqlite3_stmt *berth_statements_take(sqlite3 *connection, const char *sql) {
    GHashTable *table = find_table(connection);
    sqlite3_stmt *statement = g_hash_table_lookup(table, sql);

    if (statement) {
        g_hash_table_steal(table, sql);
        return statement;
    }
    return sqlite3_prepare_v3(connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) ==
                   SQLITE_OK
               ? statement
               : NULL;
}

/* Resetting returns the result of the last step, which the caller already knows. */
void berth_statements_give_back(sqlite3_stmt *statement) {
    GHashTable *table = statement ? find_table(sqlite3_db_handle(statement)) : NULL;

    if (!table)
        return;
    (void)sqlite3_reset(statement);
    if (g_hash_table_size(table) >= MAX_IDLE ||
        g_hash_table_contains(table, sqlite3_sql(statement))) {
        sqlite3_finalize(statement);
        return;
    }
    (void)sqlite3_clear_bindings(statement);
    g_hash_table_insert(table, (gpointer)sqlite3_sql(statement), statement);
}

void berth_statements_drop(sqlite3 *connection) {
    if (connections)
        g_hash_table_remove(connections, connection);
}
