/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/table.h"

#include "client/format.h"

#include <json-glib/json-glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
    char *text;     /* for the table */
    int64_t number; /* for JSON, where the column is no text */
} Cell;

struct DistTable {
    const DistColumn *columns;
    guint width;
    GArray *cells;
};

static void table_clear_cell(gpointer data) {
    g_free(((Cell *)data)->text);
}

DistTable *dist_table_new(const DistColumn *columns) {
    DistTable *table = g_new0(DistTable, 1);

    table->columns = columns;
    while (columns[table->width].key)
        table->width++;
    table->cells = g_array_new(FALSE, FALSE, sizeof(Cell));
    g_array_set_clear_func(table->cells, table_clear_cell);
    return table;
}

void dist_table_free(DistTable *table) {
    if (!table)
        return;
    g_array_unref(table->cells);
    g_free(table);
}

void dist_table_add(DistTable *table, ...) {
    va_list arguments;

    va_start(arguments, table);
    for (guint i = 0; i < table->width; i++) {
        Cell cell = {0};
        if (table->columns[i].type == DIST_CELL_TEXT || table->columns[i].type == DIST_CELL_JSON) {
            const char *text = va_arg(arguments, const char *);
            cell.text =
                dist_settings.json == DIST_JSON_OFF ? dist_format_text(text, "") : g_strdup(text);
        } else {
            cell.number = va_arg(arguments, int64_t);
            cell.text = table->columns[i].type == DIST_CELL_SIZE
                            ? dist_format_size((uint64_t)cell.number)
                        : table->columns[i].type == DIST_CELL_TIME
                            ? dist_format_time((uint64_t)cell.number)
                            : g_strdup_printf("%" G_GINT64_FORMAT, cell.number);
        }
        g_array_append_val(table->cells, cell);
    }
    va_end(arguments);
}

static void table_print_json(DistTable *table) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_array(builder);
    for (guint i = 0; i < table->cells->len; i++) {
        const Cell *cell = &g_array_index(table->cells, Cell, i);
        const DistColumn *column = &table->columns[i % table->width];
        if (i % table->width == 0)
            json_builder_begin_object(builder);
        json_builder_set_member_name(builder, column->key);
        if (column->type == DIST_CELL_TEXT)
            json_builder_add_string_value(builder, cell->text);
        else if (column->type == DIST_CELL_JSON)
            json_builder_add_value(builder, json_from_string(cell->text, NULL));
        else
            json_builder_add_int_value(builder, cell->number);
        if ((i + 1) % table->width == 0)
            json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *text = json_to_string(root, dist_settings.json == DIST_JSON_PRETTY);
    g_autofree char *plain = dist_format_json(text);
    puts(plain);
}

static void table_print_row(DistTable *table, const size_t *widths, char *const *texts) {
    for (guint i = 0; i < table->width; i++) {
        bool is_last = i + 1 == table->width;
        int padding = is_last ? 0 : (int)(widths[i] - (size_t)g_utf8_strlen(texts[i], -1)) + 2;
        printf("%s%*s", texts[i], padding, "");
    }
    putchar('\n');
}

static void table_print_text(DistTable *table) {
    g_autofree size_t *widths = g_new0(size_t, table->width);
    g_autofree char **texts = g_new0(char *, table->width);
    bool is_terminal = isatty(STDOUT_FILENO) && !g_getenv("NO_COLOR");

    for (guint i = 0; i < table->width; i++)
        widths[i] = (size_t)g_utf8_strlen(table->columns[i].header, -1);
    for (guint i = 0; i < table->cells->len; i++) {
        size_t length = (size_t)g_utf8_strlen(g_array_index(table->cells, Cell, i).text, -1);
        widths[i % table->width] = MAX(widths[i % table->width], length);
    }
    for (guint i = 0; i < table->width; i++)
        texts[i] = (char *)table->columns[i].header;
    fputs(is_terminal ? "\033[4m" : "", stdout);
    table_print_row(table, widths, texts);
    fputs(is_terminal ? "\033[0m" : "", stdout);
    for (guint i = 0; i < table->cells->len; i += table->width) {
        for (guint k = 0; k < table->width; k++)
            texts[k] = g_array_index(table->cells, Cell, i + k).text;
        table_print_row(table, widths, texts);
    }
}

void dist_table_print(DistTable *table) {
    if (dist_settings.json != DIST_JSON_OFF) {
        table_print_json(table);
    } else if (dist_settings.quiet) {
        for (guint i = 0; i < table->cells->len; i += table->width)
            puts(g_array_index(table->cells, Cell, i).text);
    } else {
        table_print_text(table);
    }
}
