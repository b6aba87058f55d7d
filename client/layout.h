/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lays out cells of text in columns. */

#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct DistLayout DistLayout;

/* Makes an empty layout with this number of columns. */
DistLayout *dist_layout_new(guint columns);
void dist_layout_free(DistLayout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistLayout, dist_layout_free)

/* Headers come first, one for each column, then the cells, row by row. */
void dist_layout_add_header(DistLayout *layout, const char *text);
/* The meaning of a state, shown as a colour on a terminal. */
typedef enum { DIST_COLOR_NONE, DIST_COLOR_GOOD, DIST_COLOR_WARNING, DIST_COLOR_BAD } DistColor;

/* Copies the text. */
void dist_layout_add_cell(DistLayout *layout, const char *text, DistColor color);

/* width: of the screen, to which each row is cut; 0: columns are as wide as their cells. line_end:
 * what each row ends with. The caller frees the text. */
char *dist_layout_format(const DistLayout *layout, int width, bool with_headers,
                         const char *line_end);
/* Prints the rows as lines. */
void dist_layout_print(const DistLayout *layout, int width, bool with_headers);

/* The number of columns that a text takes on a terminal. */
int dist_layout_measure(const char *text);
/* The text if it fits into width columns, otherwise its beginning and end with "…" between them.
 * The caller frees it. */
char *dist_layout_cut(const char *text, int width);
