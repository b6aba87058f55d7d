/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of names of privileges; privileges.h. */

#pragma once

#include <glib.h>

/* Text as one word of such a list: blanks, control characters, backslashes and bytes that are not
 * UTF-8 become \xNN. Caller frees. */
char *berth_privileges_escape(const char *text);

/* Adds kind and what, escaped, as one word, unless the list has it already. */
void berth_privileges_add(GPtrArray *names, const char *kind, const char *what);
