/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listing the entries of a directory. */

#pragma once

#include <stdbool.h>

typedef bool (*BerthEntryVisit)(int directory, const char *name, void *userdata);

/* Calls seen for each entry except "." and "..", until seen returns false with errno. Returns false
 * with errno in that case, and if the directory cannot be read to the end. The descriptor must be
 * open for reading. */
bool berth_entries_each(int directory, BerthEntryVisit seen, void *userdata);
