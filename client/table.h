/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listings: rows of named cells, printed as a table, as JSON, or as --format requests. */

#pragma once

#include "client/settings.h"

#include <json-c/json.h>

typedef enum {
    DIST_CELL_TEXT,
    DIST_CELL_STATE,  /* a text, followed by its DistColor */
    DIST_CELL_DIGEST, /* a text; the table shows the first digits */
    DIST_CELL_SIZE,
    DIST_CELL_TIME, /* microseconds since the epoch; the table shows how long ago */
    DIST_CELL_NUMBER,
    DIST_CELL_LIST, /* a text of words separated by blanks; JSON has a list of them */
    DIST_CELL_JSON, /* a text that is a JSON value; for JSON and --format only */
} DistCellType;

typedef struct {
    const char *key;    /* for JSON, --format and --sort, the latter two ignoring case */
    const char *header; /* in the table, translated; NULL: not in the table */
    DistCellType type;
} DistColumn;

typedef struct DistTable DistTable;

/* The options of a verb that prints a table. */
extern const DistOption dist_table_options[];
/* The same for a verb that inspects something and has no --filter: -f is --format, as in docker. */
extern const DistOption dist_inspect_table_options[];

/* columns ends with an entry whose key is NULL. */
DistTable *dist_table_new(const DistColumn *columns);
void dist_table_free(DistTable *table);

/* The number of a cell whose value is not known: "--", and null in JSON. */
#define DIST_CELL_UNKNOWN INT64_MIN

/* Cells in the order of the columns: const char * for a text (for a state, followed by its
 * DistColor), int64_t for the others. */
void dist_table_add(DistTable *table, ...);

/* Whether --json or any of the options asks for a table of this kind. */
bool dist_table_is_asked(void);

/* For verbs that inspect something: JSON, unless --format asks for something else. Before the rows
 * are made, since values in JSON are not translated. */
void dist_table_prefer_json(void);

/* Shows these columns, separated by commas, like --format, which must not be given as well. */
bool dist_table_choose(const char *columns, GError **error);

/* Whether --format was given. */
bool dist_table_has_format(void);

/* Whether --format is a template. */
bool dist_table_has_template(void);

/* Whether a column with this text in its name may be printed or sorted by: --format or --sort names
 * it, or a program gets all columns. */
bool dist_table_may_use(const char *text);

/* Whether --format contains this text, so that what a template may need is not made in vain. */
bool dist_table_format_mentions(const char *text);

/* Prints an object as --format, which must have been given, says: a template, or json. False with
 * error. */
bool dist_table_fill_format(json_object *object, GError **error);

/* Whether nothing asks for a table or for JSON, so that a verb may print its own lines. */
bool dist_table_is_unasked(void);

/* Prints the table as dist_settings and the options request. With quiet only the first column is
 * printed, one line per row. False with error for a --format or --sort that names an unknown
 * column. */
bool dist_table_print(DistTable *table, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistTable, dist_table_free)
