/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asks for confirmation before something is deleted. It asks only if standard input and standard
 * error are terminals; a script is not asked and must use --force.
 */

#include "client/confirm.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool dist_confirm(const char *question, GError **error) {
    char *line = NULL;
    size_t size = 0;

    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "%s",
                               _("cannot ask for confirmation without a terminal; use --force"));
    fprintf(stderr, _("%s [y/N] "), question);
    ssize_t length = getline(&line, &size, stdin);
    /* Translators: the first letter of the answer "yes"; "y" is accepted as well. */
    const char *yes = _("y");
    bool agreed = length > 0 && (g_ascii_tolower(line[0]) == 'y' ||
                                 g_ascii_tolower(line[0]) == g_ascii_tolower(yes[0]));
    free(line);
    return agreed || berth_error_set(error, BERTH_ERROR_CANCELLED, "%s", _("nothing was deleted"));
}
