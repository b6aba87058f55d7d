/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listings: rows of named cells, printed as a table or as JSON. */

#pragma once

#include "client/settings.h"

/* JSON is a text that is a JSON value; for listings that are JSON. */
typedef enum {
    DIST_CELL_TEXT,
    DIST_CELL_SIZE,
    DIST_CELL_TIME,
    DIST_CELL_NUMBER,
    DIST_CELL_JSON,
} DistCellType;

typedef struct {
    const char *key;    /* in JSON */
    const char *header; /* of the table, translated */
    DistCellType type;
} DistColumn;

typedef struct DistTable DistTable;

/* columns ends with an entry without key. */
DistTable *dist_table_new(const DistColumn *columns);
void dist_table_free(DistTable *table);

/* Cells in the order of the columns: const char * for text, int64_t for the others. */
void dist_table_add(DistTable *table, ...);

/* Prints it as dist_settings say. With quiet only the first column, a line a row. */
void dist_table_print(DistTable *table);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistTable, dist_table_free)
