/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of privilege names (privileges.h). */

#pragma once

#include <glib.h>

/* Makes a single word of a text: blanks, control characters, backslashes and invalid UTF-8 bytes
 * become \xNN. The caller frees it. */
char *berth_privileges_escape(const char *text);

/* Adds kind followed by the escaped what as one word. */
void berth_privileges_add(GPtrArray *names, const char *kind, const char *what);

/* Sorts the names and returns them without duplicates, separated by blanks: rules that compare the
 * text do not depend on the order of the options. NULL if there are none. The caller frees it. */
char *berth_privileges_join(GPtrArray *names);
