/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lays out cells of text in columns. A layout copies its cells; its owner prints it once and frees
 * it. Widths are terminal columns: East Asian characters take two, combining characters none. No
 * column is cut below MIN_WIDTH: on a narrow screen, rows wrap instead of disappearing.
 */

#include "client/layout.h"

#include "client/screen.h"
#include "client/settings.h"

#include <stdio.h>
#include <string.h>

enum { GAP = 2, MIN_WIDTH = 3 };

typedef struct {
    char *text;
    DistColor color;
} LayoutCell;

struct DistLayout {
    guint columns;
    GArray *cells; /* the headers first */
};

static void layout_clear_cell(gpointer data) {
    g_free(((LayoutCell *)data)->text);
}

DistLayout *dist_layout_new(guint columns) {
    DistLayout *layout = g_new0(DistLayout, 1);

    layout->columns = columns;
    layout->cells = g_array_new(FALSE, FALSE, sizeof(LayoutCell));
    g_array_set_clear_func(layout->cells, layout_clear_cell);
    return layout;
}

void dist_layout_free(DistLayout *layout) {
    if (!layout)
        return;
    g_array_unref(layout->cells);
    g_free(layout);
}

void dist_layout_add_cell(DistLayout *layout, const char *text, DistColor color) {
    LayoutCell cell = {g_strdup(text), color};

    g_array_append_val(layout->cells, cell);
}

void dist_layout_add_header(DistLayout *layout, const char *text) {
    dist_layout_add_cell(layout, text, DIST_COLOR_NONE);
}

static int measure_character(gunichar character) {
    if (g_unichar_iszerowidth(character))
        return 0;
    return g_unichar_iswide(character) ? 2 : 1;
}

int dist_layout_measure(const char *text) {
    int width = 0;

    for (; *text; text = g_utf8_next_char(text))
        width += measure_character(g_utf8_get_char(text));
    return width;
}

/* The rest of a text, after as many characters as fit into width. */
static const char *layout_skip(const char *text, int width) {
    for (; *text; text = g_utf8_next_char(text)) {
        width -= measure_character(g_utf8_get_char(text));
        if (width < 0)
            break;
    }
    return text;
}

/* Keeps the beginning and the end, with an ellipsis between them, which takes a column itself. The
 * text is measured only once: it may come from outside and be as long as a reply. The caller frees
 * the result. */
char *dist_layout_cut(const char *text, int width) {
    int rest = dist_layout_measure(text);
    int left = width / 2, right = width - left - 1;

    if (rest <= width)
        return g_strdup(text);
    const char *end = layout_skip(text, left);
    const char *tail = text;
    for (; *tail && rest > right; tail = g_utf8_next_char(tail))
        rest -= measure_character(g_utf8_get_char(tail));
    g_autofree char *head = g_strndup(text, (gsize)(end - text));
    return g_strconcat(head, "…", tail, NULL);
}

/* If the headers are not shown, they do not count. The caller frees the list. */
static int *layout_measure_columns(const DistLayout *layout, bool with_headers) {
    int *widths = g_new0(int, layout->columns + 1);

    for (guint i = with_headers ? 0 : layout->columns; i < layout->cells->len; i++) {
        int width = dist_layout_measure(g_array_index(layout->cells, LayoutCell, i).text);
        widths[i % layout->columns] = MAX(widths[i % layout->columns], width);
    }
    return widths;
}

/* Narrows the widest column by one repeatedly, until the row fits the screen. */
static void layout_shrink(const DistLayout *layout, int *widths, int screen) {
    int total = ((int)layout->columns - 1) * GAP;

    for (guint i = 0; i < layout->columns; i++)
        total += widths[i];
    while (total > screen) {
        guint widest = 0;
        for (guint i = 1; i < layout->columns; i++)
            if (widths[i] > widths[widest])
                widest = i;
        if (widths[widest] <= MIN_WIDTH)
            return;
        widths[widest]--;
        total--;
    }
}

/* ANSI sequences: green, yellow, red. */
static const char *const color_sequences[] = {
    [DIST_COLOR_NONE] = "",
    [DIST_COLOR_GOOD] = "\033[32m",
    [DIST_COLOR_WARNING] = "\033[33m",
    [DIST_COLOR_BAD] = "\033[31m",
};

/* Colour sequences are outside the padding, since printf(3) would count their bytes. The last
 * column is not padded, so that no line ends in blanks. */
static void layout_format_row(const DistLayout *layout, guint row, const int *widths, bool colors,
                              GString *text) {
    for (guint i = 0; i < layout->columns; i++) {
        const LayoutCell *cell =
            &g_array_index(layout->cells, LayoutCell, row * layout->columns + i);
        g_autofree char *cut = dist_layout_cut(cell->text, widths[i]);
        const char *color = color_sequences[colors ? cell->color : DIST_COLOR_NONE];
        bool is_last = i + 1 == layout->columns;
        int padding = is_last ? 0 : widths[i] - dist_layout_measure(cut) + GAP;
        g_string_append_printf(text, "%s%s%s%*s", color, cut, color[0] ? "\033[0m" : "", padding,
                               "");
    }
}

char *dist_layout_format(const DistLayout *layout, int width, bool with_headers,
                         const char *line_end) {
    g_autofree int *widths = layout_measure_columns(layout, with_headers);
    bool colors = dist_screen_has_colors();
    g_autoptr(GString) text = g_string_new(NULL);

    if (layout->columns == 0)
        return g_string_free(g_steal_pointer(&text), FALSE);
    if (width > 0)
        layout_shrink(layout, widths, width);
    if (with_headers) {
        g_string_append(text, colors ? "\033[4m" : "");
        layout_format_row(layout, 0, widths, false, text);
        g_string_append_printf(text, "%s%s", colors ? "\033[0m" : "", line_end);
    }
    for (guint row = 1; row < layout->cells->len / layout->columns; row++) {
        layout_format_row(layout, row, widths, colors, text);
        g_string_append(text, line_end);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

void dist_layout_print(const DistLayout *layout, int width, bool with_headers) {
    g_autofree char *text = dist_layout_format(layout, width, with_headers, "\n");

    fputs(text, stdout);
}
