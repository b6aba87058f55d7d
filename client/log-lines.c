/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints entries of the journal as lines. An entry may be only part of a line, because journald
 * splits long ones. The rest follows in another entry and is printed without prefix and time,
 * unless another container's output came in between: then the line is ended, and the rest begins a
 * new one. The reader owns what it has copied of an entry until the entry ends.
 */

#include "client/log-lines.h"

#include "base/journal-entry.h"

#include <stdio.h>
#include <string.h>

/* The reader whose line has not ended yet. Shared by several threads; protected by the lock of
 * standard output (flockfile(3)). */
static const DistLogLines *log_lines_open;

static void log_lines_begin(const DistLogLines *lines) {
    if (lines->prefix)
        printf("%s | ", lines->prefix);
    if (!lines->timestamps)
        return;
    g_autoptr(GDateTime) second =
        g_date_time_new_from_unix_local((gint64)(lines->time_usec / G_USEC_PER_SEC));
    g_autofree char *date = second ? g_date_time_format(second, "%Y-%m-%dT%H:%M:%S") : NULL;
    g_autofree char *zone = second ? g_date_time_format(second, "%:z") : NULL;
    if (date && zone)
        printf("%s.%06u%s ", date, (unsigned)(lines->time_usec % G_USEC_PER_SEC), zone);
}

/* Prefix and message are printed under one lock, so that they do not mix with those of other
 * threads. */
static void log_lines_print(DistLogLines *lines) {
    flockfile(stdout);
    if (log_lines_open && log_lines_open != lines)
        putchar('\n');
    if (log_lines_open != lines)
        log_lines_begin(lines);
    fwrite(lines->message, 1, lines->size, stdout);
    if (!lines->broken)
        putchar('\n');
    log_lines_open = lines->broken ? lines : NULL;
    fflush(stdout);
    funlockfile(stdout);
}

static void log_lines_end_entry(void *userdata) {
    DistLogLines *lines = userdata;

    if (lines->message)
        log_lines_print(lines);
    g_clear_pointer(&lines->message, g_free);
    lines->size = 0;
    lines->broken = false;
}

static void log_lines_take_field(const char *name, const char *value, size_t size, void *userdata) {
    DistLogLines *lines = userdata;

    if (g_str_equal(name, "MESSAGE") && !lines->message) {
        lines->message = g_memdup2(value, size + 1);
        lines->size = size;
    } else if (g_str_equal(name, "_LINE_BREAK")) {
        lines->broken = berth_journal_line_is_broken(value, size);
    } else if (g_str_equal(name, "__REALTIME_TIMESTAMP")) {
        lines->time_usec = g_ascii_strtoull(value, NULL, 10);
    }
}

DistJournalReader dist_log_lines_reader(DistLogLines *lines) {
    return (DistJournalReader){log_lines_take_field, log_lines_end_entry, lines};
}
