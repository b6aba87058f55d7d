/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table networks, and the labels of each network. There is no object: each function is one
 * transaction or query, and the records belong to the caller.
 */

#include "store/network-store.h"

/* The maximum length of an interface name, an address or a subnet. */
enum { MAX_ADDRESS_BYTES = 63 };

#define COLUMNS                                                                                    \
    "SELECT name, created, bridge, subnet, gateway, subnet6, gateway6, internal, dns, mtu "        \
    "FROM networks "

void berth_network_record_free(gpointer data) {
    BerthNetworkRecord *record = data;

    if (!record)
        return;
    g_free(record->name);
    g_free(record->bridge);
    g_free(record->subnet);
    g_free(record->gateway);
    g_free(record->subnet6);
    g_free(record->gateway6);
    g_strfreev(record->labels);
    g_free(record);
}

static gpointer read_network_record(BerthDatabase *database, sqlite3_stmt *rows) {
    BerthNetworkRecord *record = g_new0(BerthNetworkRecord, 1);

    record->name = g_strdup(berth_database_text(rows, 0));
    record->created_usec = (uint64_t)sqlite3_column_int64(rows, 1);
    record->bridge = g_strdup(berth_database_short_text(rows, 2, MAX_ADDRESS_BYTES));
    record->subnet = g_strdup(berth_database_short_text(rows, 3, MAX_ADDRESS_BYTES));
    record->gateway = g_strdup(berth_database_short_text(rows, 4, MAX_ADDRESS_BYTES));
    record->subnet6 = g_strdup(berth_database_short_text(rows, 5, MAX_ADDRESS_BYTES));
    record->gateway6 = g_strdup(berth_database_short_text(rows, 6, MAX_ADDRESS_BYTES));
    record->internal = sqlite3_column_int64(rows, 7) != 0;
    record->dns = sqlite3_column_int64(rows, 8) != 0;
    record->mtu = (uint32_t)sqlite3_column_int64(rows, 9);
    record->labels = berth_database_get_labels(database, "network", record->name);
    return record;
}

GPtrArray *berth_network_store_list(BerthDatabase *database, GError **error) {
    return berth_database_list(database,
                               berth_database_query(database, error, COLUMNS "ORDER BY name", ""),
                               read_network_record, berth_network_record_free, error);
}

BerthNetworkRecord *berth_network_store_get(BerthDatabase *database, const char *name,
                                            GError **error) {
    g_autoptr(BerthRows) rows =
        berth_database_query(database, error, COLUMNS "WHERE name = ?1", "s", name);

    return rows && berth_database_step(rows, error) ? read_network_record(database, rows) : NULL;
}

/* The row and its labels are written in one transaction, so that a crash leaves both or neither. If
 * a statement has failed, its error is reported, and that of the rollback is dropped. */
bool berth_network_store_add(BerthDatabase *database, const BerthNetworkRecord *record,
                             GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done = berth_database_run(
                    database, error,
                    "INSERT INTO networks (name, created, bridge, subnet, gateway, subnet6,"
                    "  gateway6, internal, dns, mtu)"
                    "  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    "sisssssiii", record->name, (int64_t)record->created_usec, record->bridge,
                    record->subnet, record->gateway, record->subnet6, record->gateway6,
                    (int64_t)record->internal, (int64_t)record->dns, (int64_t)record->mtu) &&
                berth_database_set_labels(database, "network", record->name, record->labels, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}

/* In one transaction as well: a later network of this name must not find the labels of the old
 * one. */
bool berth_network_store_remove(BerthDatabase *database, const char *name, GError **error) {
    if (!berth_database_begin(database, error))
        return false;
    bool done =
        berth_database_run(database, error, "DELETE FROM networks WHERE name = ?1", "s", name) &&
        berth_database_set_labels(database, "network", name, NULL, error);
    return berth_database_end(database, done, done ? error : NULL) && done;
}
