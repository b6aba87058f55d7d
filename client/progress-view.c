/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Shows the progress of a transfer on standard error: on a terminal, as plain lines, as JSON, or
 * not at all. On a terminal, a line for each object and one for the total are redrawn in place: no
 * line is as wide as the screen, and there are never more lines than it has rows, since a line that
 * wraps or scrolls cannot be overwritten. A plain line is printed once for each object, when it is
 * complete.
 */

#include "client/progress-view.h"

#include "client/format.h"
#include "client/layout.h"
#include "client/screen.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    MAX_BAR = 24,
    MIN_BAR = 6,
    DEFAULT_ROWS = 22,
    ROWS_KEPT = 3, /* for the total, and for the line that the cursor is on */
};

typedef enum { VIEW_NONE, VIEW_PLAIN, VIEW_SCREEN, VIEW_JSON } ViewKind;

typedef struct {
    const char *object, *phase;
    uint64_t done, total;
} ViewItem;

struct DistProgressView {
    ViewKind kind;
    int lines;            /* of the last drawing */
    GHashTable *reported; /* objects whose plain line has been printed */
    gint64 began;         /* monotonic time */
    uint64_t first;       /* bytes already done then, which do not count for the rate */
};

/* The phases of an item, as the service names them. Only the extraction of texts for translation
 * reads this list. */
static const char *const phases[] G_GNUC_UNUSED = {
    N_("waiting"), N_("fetching"), N_("unpacking"), N_("done"),    N_("exists"),
    N_("pushing"), N_("mounted"),  N_("reading"),   N_("writing"), N_("checking"),
};

/* An item is an object or, for a transfer without objects, what the service says it works on. The
 * caller frees the text. */
static char *view_name_item(const char *object) {
    static const char all[] = N_("contents");

    if (g_str_equal(object, all))
        return g_strdup(_(all));
    return strchr(object, ':') ? dist_format_digest(object) : g_strdup(object);
}

static char *view_given;

static bool view_take(const char *value, GError **error) {
    static const char *const kinds[] = {"auto", "plain", "tty", "json", "none", NULL};

    if (!g_strv_contains(kinds, value))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("--progress takes auto, plain, tty, json or none, not \"%s\""),
                               value);
    view_given = (char *)value;
    return true;
}

const DistOption dist_progress_options[] = {
    {"progress", 0, DIST_OPTION_CALL, NULL,
     N_("Show progress: auto (default), plain, tty, json, none"), N_("HOW"), .take = view_take},
    DIST_OPTION_END,
};

static ViewKind view_choose_kind(void) {
    bool is_screen = isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;

    if (g_strcmp0(view_given, "plain") == 0)
        return VIEW_PLAIN;
    if (g_strcmp0(view_given, "tty") == 0)
        return VIEW_SCREEN;
    if (g_strcmp0(view_given, "json") == 0)
        return VIEW_JSON;
    if (g_strcmp0(view_given, "none") == 0 || dist_settings.quiet)
        return VIEW_NONE;
    return is_screen ? VIEW_SCREEN : VIEW_PLAIN;
}

DistProgressView *dist_progress_view_new(void) {
    DistProgressView *view = g_new0(DistProgressView, 1);

    view->kind = view_choose_kind();
    view->reported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return view;
}

void dist_progress_view_free(DistProgressView *view) {
    if (!view)
        return;
    g_hash_table_unref(view->reported);
    g_free(view);
}

bool dist_progress_view_is_wanted(const DistProgressView *view) {
    return view->kind != VIEW_NONE;
}

static int view_rows(void) {
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > ROWS_KEPT
               ? size.ws_row - ROWS_KEPT
               : DEFAULT_ROWS;
}

/* Overwrites a line. "\033[K" comes last and erases the rest of a longer previous line. One column
 * is left free: a full line would wrap. */
static void view_print_line(DistProgressView *view, const char *text) {
    g_autofree char *cut = dist_layout_cut(text, MAX(dist_screen_columns_of(STDERR_FILENO) - 1, 1));

    fprintf(stderr, "%s\033[K\n", cut);
    view->lines++;
}

static char *view_format_bar(int width, uint64_t done, uint64_t total) {
    int filled = total > 0 ? (int)(MIN(done, total) * (uint64_t)width / total) : 0;
    g_autofree char *full = g_strnfill((gsize)filled, '#');
    g_autofree char *rest = g_strnfill((gsize)(width - filled), '-');

    return g_strdup_printf("[%s%s] ", full, rest);
}

static void view_draw_item(DistProgressView *view, const ViewItem *item) {
    g_autofree char *digest = view_name_item(item->object);
    g_autofree char *size = dist_format_size(item->total);
    int percent = item->total > 0 ? (int)(MIN(item->done, item->total) * 100 / item->total) : 100;
    int padding = MAX(0, 10 - dist_layout_measure(_(item->phase)));
    g_autofree char *head = g_strdup_printf("%s  %s%*s", digest, _(item->phase), padding, "");
    g_autofree char *tail = g_strdup_printf("%3d %%  %s", percent, size);
    int left = dist_screen_columns_of(STDERR_FILENO) - 1 - dist_layout_measure(head) -
               dist_layout_measure(tail) - (int)strlen(" [] ");
    g_autofree char *bar = left >= MIN_BAR
                               ? view_format_bar(MIN(left, MAX_BAR), item->done, item->total)
                               : g_strdup("");
    g_autofree char *line = g_strconcat(head, " ", bar, tail, NULL);

    view_print_line(view, line);
}

/* The line for the total: amounts, rate and remaining time. The rate is shown only after half a
 * second; before that it would mean little. */
static void view_draw_total(DistProgressView *view, uint64_t done, uint64_t total, unsigned ready,
                            unsigned count) {
    g_autofree char *have = dist_format_size(done), *whole = dist_format_size(total);
    double seconds = (double)(g_get_monotonic_time() - view->began) / G_USEC_PER_SEC;
    uint64_t moved = done > view->first ? done - view->first : 0;
    double rate = seconds > 0.5 ? (double)moved / seconds : 0;
    g_autoptr(GString) line = g_string_new(NULL);

    /* Until the registry has reported the sizes, there is nothing to count. */
    if (count == 0)
        g_string_append(line, _("asking the registry"));
    else if (total == 0)
        g_string_append_printf(line, _("%u of %u"), ready, count);
    else
        g_string_append_printf(line, _("%u of %u, %s of %s"), ready, count, have, whole);
    if (rate >= 1 && done < total) {
        g_autofree char *speed = dist_format_size((uint64_t)rate);
        g_autofree char *time =
            dist_format_duration((uint64_t)((double)(total - done) / rate * G_USEC_PER_SEC));
        g_string_append_printf(line, _(", %s/s, %s left"), speed, time);
    }
    view_print_line(view, line->str);
}

static bool view_item_is_done(const ViewItem *item) {
    return g_str_equal(item->phase, "done") || g_str_equal(item->phase, "exists") ||
           g_str_equal(item->phase, "mounted");
}

/* Objects in progress come first, since a small screen may not have enough rows for all. */
static void view_draw(DistProgressView *view, const GArray *items, uint64_t done, uint64_t total) {
    int rows = view_rows();
    unsigned ready = 0;

    if (view->lines > 0)
        fprintf(stderr, "\033[%dA", view->lines);
    view->lines = 0;
    for (int finished = 0; finished <= 1; finished++)
        for (guint i = 0; i < items->len; i++) {
            const ViewItem *item = &g_array_index(items, ViewItem, i);
            if (view_item_is_done(item) != (finished == 1))
                continue;
            ready += finished == 1;
            if (view->lines < rows)
                view_draw_item(view, item);
        }
    view_draw_total(view, done, total, ready, items->len);
    /* Erases the remaining lines of a previous, longer drawing. */
    fputs("\033[J", stderr);
}

static void view_print_finished(DistProgressView *view, const ViewItem *item) {
    g_autofree char *size = dist_format_size(item->total);
    g_autofree char *name = view_name_item(item->object);

    if (view_item_is_done(item) && g_hash_table_add(view->reported, g_strdup(item->object)))
        fprintf(stderr, "%s  %s  %s\n", name, _(item->phase), size);
}

/* One object per line, for programs that read line by line. */
static void view_print_json(const GArray *items, uint64_t done, uint64_t total) {
    fprintf(stderr, "{\"done\":%" G_GUINT64_FORMAT ",\"total\":%" G_GUINT64_FORMAT ",\"items\":[",
            done, total);
    for (guint i = 0; i < items->len; i++) {
        const ViewItem *item = &g_array_index(items, ViewItem, i);
        g_autofree char *object = g_strescape(item->object, "");
        fprintf(stderr,
                "%s{\"object\":\"%s\",\"phase\":\"%s\",\"done\":%" G_GUINT64_FORMAT
                ",\"total\":%" G_GUINT64_FORMAT "}",
                i > 0 ? "," : "", object, item->phase, item->done, item->total);
    }
    fputs("]}\n", stderr);
}

static void view_show(DistProgressView *view, const GArray *items, uint64_t done, uint64_t total) {
    if (view->began == 0) {
        view->began = g_get_monotonic_time();
        view->first = done;
    }
    switch (view->kind) {
    case VIEW_NONE:
        break;
    case VIEW_PLAIN:
        for (guint i = 0; i < items->len; i++)
            view_print_finished(view, &g_array_index(items, ViewItem, i));
        break;
    case VIEW_SCREEN:
        view_draw(view, items, done, total);
        break;
    case VIEW_JSON:
        view_print_json(items, done, total);
        break;
    }
    fflush(stderr);
}

/* A malformed signal is ignored, since it only concerns the display. Strings belong to the signal
 * and live until this function returns. */
void dist_progress_view_update(DistProgressView *view, sd_bus_message *signal) {
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(ViewItem));
    uint64_t done, total;
    ViewItem item;

    if (sd_bus_message_read(signal, "tt", &done, &total) < 0 ||
        sd_bus_message_enter_container(signal, 'a', "(sstt)") < 0)
        return;
    while (sd_bus_message_read(signal, "(sstt)", &item.object, &item.phase, &item.done,
                               &item.total) > 0)
        g_array_append_val(items, item);
    view_show(view, items, done, total);
}
