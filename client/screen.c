/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Width and colours of the terminal that dist writes to. Nothing is cached: a terminal may be
 * resized while dist runs.
 */

#include "client/screen.h"

#include <glib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DEFAULT_COLUMNS = 80, MAX_COLUMNS = 10000 };

int dist_screen_columns_of(int fd) {
    struct winsize size;
    const char *named = g_getenv("COLUMNS");
    guint64 columns;

    /* COLUMNS overrides the actual size (environ(7)). */
    if (named && g_ascii_string_to_unsigned(named, 10, 1, MAX_COLUMNS, &columns, NULL))
        return (int)columns;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS;
}

int dist_screen_columns(void) {
    return dist_screen_columns_of(STDOUT_FILENO);
}

/* NO_COLOR counts only if it is not empty (no-color.org). */
bool dist_screen_has_colors(void) {
    const char *no_color = g_getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0 &&
           (!no_color || !no_color[0]);
}
