/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fields of entries of the journal, for berth-journal and dist. */

#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether an entry with this value of _LINE_BREAK= ends without a newline. */
bool berth_journal_line_is_broken(const char *reason, size_t size);
