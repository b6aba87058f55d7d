/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which entries of the journal are whole lines. Nothing is kept: berth-journal and dist call this
 * for each entry that they print.
 */

#include "base/journal-entry.h"

#include <string.h>

/* _LINE_BREAK= (systemd.journal-fields(7)) says why an entry does not end in a newline: "line-max",
 * the line was too long, or "eof", the stream ended. "pid-change" (another process wrote next)
 * counts as a newline: if one followed, it would be lost, since journald does not store empty
 * lines. */
bool berth_journal_line_is_broken(const char *reason, size_t size) {
    return (size == strlen("line-max") && memcmp(reason, "line-max", size) == 0) ||
           (size == strlen("eof") && memcmp(reason, "eof", size) == 0);
}
