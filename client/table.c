/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The output of a verb that lists things: as columns, JSON, a template, or only the first column
 * (--quiet). A verb makes a table, fills it row by row, prints it once and frees it. On a terminal,
 * columns are cut to the width of the screen, the widest first and in the middle, where names
 * differ least; a pipe or a file gets them in full.
 */

#include "client/table.h"

#include "base/document-members.h"
#include "base/document.h"
#include "client/format.h"
#include "client/layout.h"
#include "client/screen.h"
#include "client/template.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *text;     /* for the table */
    char *whole;    /* for templates and sorting */
    int64_t number; /* for JSON, if the column is not a text */
    DistColor color;
} Cell;

struct DistTable {
    const DistColumn *columns;
    guint width;
    GArray *cells;
};

static struct {
    char *format, *sort;
    gboolean whole, no_heading;
} table_given;

static const DistOption format_options[] = {
    {"format", 0, DIST_OPTION_TEXT, &table_given.format,
     N_("Select columns by name, json, or a template with {{.Name}}"), N_("FORMAT")},
    DIST_OPTION_END,
};

static const DistOption inspect_format_options[] = {
    {"format", 'f', DIST_OPTION_TEXT, &table_given.format,
     N_("Select columns by name, json, or a template with {{.Name}}"), N_("FORMAT")},
    DIST_OPTION_END,
};

static const DistOption layout_options[] = {
    {"sort", 0, DIST_OPTION_TEXT, &table_given.sort, N_("Sort by a column; -NAME: descending"),
     N_("[-]NAME")},
    {"no-trunc", 0, DIST_OPTION_FLAG, &table_given.whole, N_("Do not truncate columns"), NULL},
    {"noheading", 0, DIST_OPTION_FLAG, &table_given.no_heading, N_("Omit the headings"), NULL},
    DIST_OPTION_END,
};

const DistOption dist_table_options[] = {
    DIST_OPTION_TITLE(N_("Listing:")),
    DIST_OPTION_INCLUDE(format_options),
    DIST_OPTION_INCLUDE(layout_options),
    DIST_OPTION_END,
};

const DistOption dist_inspect_table_options[] = {
    DIST_OPTION_TITLE(N_("Listing:")),
    DIST_OPTION_INCLUDE(inspect_format_options),
    DIST_OPTION_INCLUDE(layout_options),
    DIST_OPTION_END,
};

static void table_clear_cell(gpointer data) {
    g_free(((Cell *)data)->text);
    g_free(((Cell *)data)->whole);
}

DistTable *dist_table_new(const DistColumn *columns) {
    DistTable *table = g_new0(DistTable, 1);

    /* The caller keeps ownership of the columns, which must live as long as the table. */
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

static bool column_is_text(const DistColumn *column) {
    return column->type == DIST_CELL_TEXT || column->type == DIST_CELL_STATE ||
           column->type == DIST_CELL_DIGEST || column->type == DIST_CELL_LIST ||
           column->type == DIST_CELL_JSON;
}

/* Formats a time as people read it: how long ago, or with --no-trunc the date and time. */
static char *table_format_number(const DistColumn *column, int64_t number) {
    if (number == DIST_CELL_UNKNOWN)
        return g_strdup("--");
    if (column->type == DIST_CELL_SIZE)
        return dist_format_size((uint64_t)number);
    if (column->type == DIST_CELL_TIME)
        return table_given.whole ? dist_format_time((uint64_t)number)
                                 : dist_format_ago((uint64_t)number);
    return g_strdup_printf("%" G_GINT64_FORMAT, number);
}

/* Control characters are escaped: names and labels come from others, and the terminal would
 * interpret them. JSON has its own escapes. */
static char *table_format_text(const DistColumn *column, const char *text) {
    if (column->type == DIST_CELL_DIGEST && !table_given.whole)
        return dist_format_digest(text);
    return dist_settings.json == DIST_JSON_OFF ? dist_format_text(text, "") : g_strdup(text);
}

/* One argument for each column: a text (for a state, followed by its colour), or an int64_t for
 * numeric types. Integers must be cast, since variable arguments are not converted. */
void dist_table_add(DistTable *table, ...) {
    va_list arguments;

    va_start(arguments, table);
    for (guint i = 0; i < table->width; i++) {
        const DistColumn *column = &table->columns[i];
        Cell cell = {0};
        if (column_is_text(column)) {
            const char *text = va_arg(arguments, const char *);
            cell.text = table_format_text(column, text);
            if (column->type == DIST_CELL_STATE)
                cell.color = va_arg(arguments, DistColor);
            cell.whole = g_strdup(text);
        } else {
            cell.number = va_arg(arguments, int64_t);
            cell.text = table_format_number(column, cell.number);
            cell.whole = g_strdup(cell.text);
        }
        g_array_append_val(table->cells, cell);
    }
    va_end(arguments);
}

/* Valid until the next dist_table_add(), which may move the cells. */
static const Cell *table_get_cell(const DistTable *table, guint row, guint column) {
    return &g_array_index(table->cells, Cell, row * table->width + column);
}

static guint table_count_rows(const DistTable *table) {
    return table->width > 0 ? table->cells->len / table->width : 0;
}

static void table_add_list(json_object *object, const char *member, const char *text) {
    g_auto(GStrv) words = g_strsplit(text, " ", -1);

    berth_document_add_strings(object, member, words);
}

static void table_add_json(json_object *object, const DistColumn *column, const Cell *cell) {
    if (column->type == DIST_CELL_JSON)
        json_object_object_add(object, column->key, json_tokener_parse(cell->whole));
    else if (column->type == DIST_CELL_LIST)
        table_add_list(object, column->key, cell->whole);
    else if (column_is_text(column))
        berth_document_add_string(object, column->key, cell->whole);
    else if (cell->number == DIST_CELL_UNKNOWN)
        json_object_object_add(object, column->key, NULL);
    else
        berth_document_add_int(object, column->key, cell->number);
}

static json_object *table_get_values(const DistTable *table, guint row) {
    json_object *values = json_object_new_object();

    for (guint i = 0; i < table->width; i++)
        table_add_json(values, &table->columns[i], table_get_cell(table, row, i));
    return values;
}

/* All columns, including those that are not shown: JSON is for programs. */
static void table_print_json(const DistTable *table, const guint *order, bool pretty) {
    g_autoptr(json_object) rows = json_object_new_array();

    for (guint row = 0; row < table_count_rows(table); row++)
        json_object_array_add(rows, table_get_values(table, order[row]));
    g_autofree char *text = dist_format_value(rows, pretty);
    puts(text);
}

/* The index of the column with this key, ignoring case; the table's width if there is none. */
static guint table_find_key(const DistTable *table, const char *key) {
    guint i = 0;

    while (i < table->width && g_ascii_strcasecmp(table->columns[i].key, key) != 0)
        i++;
    return i;
}

/* docker's and podman's words for columns. Without a key it is the first column, which --quiet
 * prints and which other verbs take where docker's take an ID. */
static const struct {
    const char *word, *key;
    bool is_absolute; /* date and time, not how long ago */
} docker_words[] = {
    {"ID", NULL},
    {"Name", NULL},
    {"Names", NULL},
    {"CreatedAt", "created", true},
    {"CreatedSince", "created"},
    {"RunningFor", "created"},
    {"ExitCode", "exitStatus"},
    {"Driver", "type"},
};

static guint table_find_docker_word(const DistTable *table, size_t word) {
    return docker_words[word].key ? table_find_key(table, docker_words[word].key) : 0;
}

/* The index of the column with this name, ignoring case; the table's width if there is none. */
static guint table_find_column(const DistTable *table, const char *name) {
    guint found = table_find_key(table, name);

    for (size_t i = 0; i < G_N_ELEMENTS(docker_words) && found == table->width; i++)
        if (g_ascii_strcasecmp(docker_words[i].word, name) == 0)
            found = table_find_docker_word(table, i);
    return found;
}

static bool table_set_no_column(const DistTable *table, const char *name, GError **error) {
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < table->width; i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", table->columns[i].key);
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("unknown column \"%s\"; known columns: %s"), name, names->str);
}

typedef struct {
    const DistTable *table;
    guint column;
    int sign;
} TableOrder;

static gint table_compare_rows(gconstpointer a, gconstpointer b, gpointer userdata) {
    const TableOrder *order = userdata;
    const Cell *first = table_get_cell(order->table, *(const guint *)a, order->column);
    const Cell *second = table_get_cell(order->table, *(const guint *)b, order->column);
    int result = column_is_text(&order->table->columns[order->column])
                     ? g_utf8_collate(first->whole, second->whole)
                     : (first->number > second->number) - (first->number < second->number);

    return order->sign * result;
}

/* The rows in the order in which they are printed; NULL with error. */
static guint *table_sort(const DistTable *table, GError **error) {
    guint count = table_count_rows(table);
    g_autofree guint *rows = g_new(guint, count + 1);

    for (guint i = 0; i < count; i++)
        rows[i] = i;
    if (!table_given.sort)
        return g_steal_pointer(&rows);
    bool descends = table_given.sort[0] == '-';
    TableOrder order = {table, table_find_column(table, table_given.sort + descends),
                        descends ? -1 : 1};
    if (order.column == table->width)
        return table_set_no_column(table, table_given.sort + descends, error), NULL;
    g_qsort_with_data(rows, (gint)count, sizeof *rows, table_compare_rows, &order);
    return g_steal_pointer(&rows);
}

/* The columns to show: those in a list of names, or those with a header. NULL with error. */
static GArray *table_choose_columns(const DistTable *table, const char *names, GError **error) {
    g_autoptr(GArray) chosen = g_array_new(FALSE, FALSE, sizeof(guint));
    g_auto(GStrv) list = names ? g_strsplit(names, ",", -1) : NULL;

    for (guint i = 0; !names && i < table->width; i++)
        if (table->columns[i].header && table->columns[i].header[0])
            g_array_append_val(chosen, i);
    for (char **name = list; name && *name; name++) {
        guint column = table_find_column(table, g_strstrip(*name));
        if (column == table->width)
            return table_set_no_column(table, *name, error), NULL;
        g_array_append_val(chosen, column);
    }
    return g_steal_pointer(&chosen);
}

static void table_print_text(const DistTable *table, const GArray *chosen, const guint *order) {
    g_autoptr(DistLayout) layout = dist_layout_new(chosen->len);

    for (guint i = 0; i < chosen->len; i++) {
        const DistColumn *column = &table->columns[g_array_index(chosen, guint, i)];
        g_autofree char *upper = g_ascii_strup(column->key, -1);
        dist_layout_add_header(layout, column->header ? column->header : upper);
    }
    for (guint row = 0; row < table_count_rows(table); row++)
        for (guint i = 0; i < chosen->len; i++) {
            guint index = g_array_index(chosen, guint, i);
            const Cell *cell = table_get_cell(table, order[row], index);
            dist_layout_add_cell(layout, cell->text, cell->color);
        }
    /* Columns are cut only to the width of a terminal: pipes and files get them in full. */
    bool is_screen = isatty(STDOUT_FILENO) && !table_given.whole;
    dist_layout_print(layout, is_screen ? dist_screen_columns() : 0, !table_given.no_heading);
}

/* cell: NULL for an empty text. */
static void table_add_text(json_object *texts, const char *member, const DistColumn *column,
                           const Cell *cell) {
    if (cell && column->type == DIST_CELL_JSON)
        json_object_object_add(texts, member, json_tokener_parse(cell->whole));
    else
        berth_document_add_string(texts, member,
                                  !cell               ? ""
                                  : table_given.whole ? cell->whole
                                                      : cell->text);
}

/* The row as texts for a template; all are empty if row is G_MAXUINT. */
static json_object *table_get_texts(const DistTable *table, guint row) {
    json_object *texts = json_object_new_object();

    for (guint i = 0; i < table->width; i++)
        table_add_text(texts, table->columns[i].key, &table->columns[i],
                       row == G_MAXUINT ? NULL : table_get_cell(table, row, i));
    for (size_t i = 0; i < G_N_ELEMENTS(docker_words); i++) {
        guint column = table_find_docker_word(table, i);
        const Cell *cell =
            row == G_MAXUINT || column == table->width ? NULL : table_get_cell(table, row, column);
        g_autofree char *time =
            cell && docker_words[i].is_absolute && table->columns[column].type == DIST_CELL_TIME
                ? dist_format_time((uint64_t)cell->number)
                : NULL;
        if (time)
            berth_document_add_string(texts, docker_words[i].word, time);
        else if (column < table->width &&
                 table_find_key(table, docker_words[i].word) == table->width)
            table_add_text(texts, docker_words[i].word, &table->columns[column], cell);
    }
    return texts;
}

/* docker's and podman's names that only differ from those of columns in case. */
static const char *const docker_members[] = {
    "BlockIO",    "CPUPerc", "Command",  "Container", "Digest",   "Driver", "Image",
    "Labels",     "MemPerc", "MemUsage", "NetIO",     "Networks", "PIDs",   "Ports",
    "Repository", "Size",    "State",    "Status",    "Tag",
};

/* The row for "json" in a template: what people paste from docker expects docker's names in the
 * result, which other programs read and do not ignore the case of. */
static json_object *table_get_template_values(const DistTable *table, guint row,
                                              json_object *texts) {
    json_object *values = table_get_values(table, row);

    for (size_t i = 0; i < G_N_ELEMENTS(docker_members); i++) {
        guint column = table_find_key(table, docker_members[i]);
        if (column < table->width)
            json_object_object_add(
                values, docker_members[i],
                json_object_get(json_object_object_get(values, table->columns[column].key)));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(docker_words); i++) {
        guint column = table_find_docker_word(table, i);
        json_object *text = json_object_object_get(texts, docker_words[i].word);
        if (column < table->width && !text)
            text = json_object_object_get(values, table->columns[column].key);
        if (text)
            json_object_object_add(values, docker_words[i].word, json_object_get(text));
    }
    return values;
}

static bool table_print_template(const DistTable *table, const char *template, const guint *order,
                                 GError **error) {
    if (table_count_rows(table) == 0) {
        /* Otherwise an unknown field would go unnoticed. */
        g_autoptr(json_object) none = table_get_texts(table, G_MAXUINT);
        g_autofree char *checked = dist_template_fill(template, none, none, error);
        return checked != NULL;
    }
    for (guint row = 0; row < table_count_rows(table); row++) {
        g_autoptr(json_object) texts = table_get_texts(table, order[row]);
        g_autoptr(json_object) values = table_get_template_values(table, order[row], texts);
        g_autofree char *line = dist_template_fill(template, texts, values, error);
        if (!line)
            return false;
        puts(line);
    }
    return true;
}

bool dist_table_fill_format(json_object *object, GError **error) {
    if (!dist_table_has_template() && !g_str_equal(table_given.format, "json"))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("--format takes json or a template with {{.Name}} here"));
    g_autofree char *text = dist_table_has_template()
                                ? dist_template_fill(table_given.format, object, object, error)
                                : dist_format_value(object, true);
    if (text)
        puts(text);
    return text != NULL;
}

/* "table {{.A}}\t{{.B}}" is podman's form of a list of columns. */
static char *table_read_columns(const char *template) {
    g_autoptr(GRegex) field = g_regex_new("\\{\\{\\s*\\.(\\w+)\\s*\\}\\}", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    GString *names = g_string_new(NULL);

    for (g_regex_match(field, template, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        g_autofree char *name = g_match_info_fetch(match, 1);
        g_string_append_printf(names, "%s%s", names->len > 0 ? "," : "", name);
    }
    return g_string_free(names, FALSE);
}

void dist_table_prefer_json(void) {
    if (dist_settings.json == DIST_JSON_OFF && !dist_table_has_format())
        dist_settings.json = DIST_JSON_PRETTY;
}

bool dist_table_is_unasked(void) {
    return dist_settings.json == DIST_JSON_OFF && !table_given.format && !table_given.sort;
}

bool dist_table_is_asked(void) {
    return !dist_table_is_unasked() || table_given.whole || table_given.no_heading;
}

/* The copy lives until dist exits, as values of options do. */
bool dist_table_choose(const char *columns, GError **error) {
    if (table_given.format)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("columns and --format exclude each other"));
    table_given.format = g_strdup(columns);
    return true;
}

bool dist_table_has_format(void) {
    return table_given.format != NULL;
}

bool dist_table_has_template(void) {
    return dist_table_format_mentions("{{");
}

bool dist_table_may_use(const char *text) {
    return dist_settings.json != DIST_JSON_OFF || dist_table_format_mentions("json") ||
           dist_table_format_mentions(text) || (table_given.sort && strstr(table_given.sort, text));
}

bool dist_table_format_mentions(const char *text) {
    return table_given.format && strstr(table_given.format, text);
}

/* --json takes precedence over everything else; --quiet counts only without --format. Braces
 * distinguish a template from a list of columns. */
bool dist_table_print(DistTable *table, GError **error) {
    const char *format = table_given.format;
    bool is_table = format && g_str_has_prefix(format, "table ");
    g_autofree char *columns = is_table ? table_read_columns(format) : g_strdup(format);
    g_autofree guint *order = table_sort(table, error);

    if (!order)
        return false;
    if (dist_settings.json != DIST_JSON_OFF || g_strcmp0(format, "json") == 0) {
        table_print_json(table, order, dist_settings.json != DIST_JSON_SHORT);
        return true;
    }
    if (dist_settings.quiet && !format) {
        for (guint row = 0; row < table_count_rows(table); row++)
            puts(table_get_cell(table, order[row], 0)->text);
        return true;
    }
    if (!is_table && dist_table_has_template())
        return table_print_template(table, format, order, error);
    g_autoptr(GArray) chosen = table_choose_columns(table, columns, error);
    if (chosen)
        table_print_text(table, chosen, order);
    return chosen != NULL;
}
