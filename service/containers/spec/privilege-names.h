/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of privilege names (privileges.h). */

#pragma once

#include <glib.h>
#include <stdbool.h>

/* Makes a single word of a text: blanks, control characters, backslashes and invalid UTF-8 bytes
 * become \xNN. The caller frees it. */
char *berth_privileges_escape(const char *text);

/* Adds kind followed by the escaped what as one word. */
void berth_privileges_add(GPtrArray *names, const char *kind, const char *what);

/* The same for a path, without repeated slashes and ".", so that a rule that compares it sees what
 * it leads to. ".." remains, since what it leads to depends on symbolic links; see
 * berth_privileges_check_path(). what may also be something other than an absolute path. */
void berth_privileges_add_path(GPtrArray *names, const char *kind, const char *what);
/* The path as it is in such a name. The caller frees it. */
char *berth_privileges_clean_path(const char *path);
/* Refuses a path that leads elsewhere than to the directories in its name: a rule that allows paths
 * below a directory must not allow one that only begins there. */
bool berth_privileges_check_path(const char *path, GError **error);

/* Sorts the names and returns them without duplicates, separated by blanks: rules that compare the
 * text do not depend on the order of the options. NULL if there are none. The caller frees it. */
char *berth_privileges_join(GPtrArray *names);
