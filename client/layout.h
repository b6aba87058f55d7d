/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cells of text in columns. */

#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct DistLayout DistLayout;

DistLayout *dist_layout_new(guint columns);
void dist_layout_free(DistLayout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistLayout, dist_layout_free)

/* One of each column first, then the cells row by row. */
void dist_layout_add_header(DistLayout *layout, const char *text);
/* The meaning of a colour for a state; it is shown on a terminal only. */
typedef enum { DIST_COLOR_NONE, DIST_COLOR_GOOD, DIST_COLOR_WARNING, DIST_COLOR_BAD } DistColor;

void dist_layout_add_cell(DistLayout *layout, const char *text, DistColor color);

/* width: of the screen, in which each row is one line; 0: the columns as wide as they are. */
void dist_layout_print(const DistLayout *layout, int width, bool with_headers);

/* Columns that a text takes on a terminal. */
int dist_layout_measure(const char *text);
/* The text, or its beginning and end with "…" between, in at most width columns. Caller frees. */
char *dist_layout_cut(const char *text, int width);
