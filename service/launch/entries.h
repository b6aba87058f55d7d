/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listing the entries of a directory, and making new ones. */

#pragma once

#include <stdbool.h>

typedef bool (*BerthEntryVisit)(int directory, const char *name, void *userdata);

/* Calls seen for each entry except "." and "..", until seen returns false with errno. Returns false
 * with errno in that case, and if the directory cannot be read to the end. The descriptor must be
 * open for reading. */
bool berth_entries_each(int directory, BerthEntryVisit seen, void *userdata);

/* Makes an empty directory or file, as root or, if the mount has no such id on disk, as the owner
 * of its directory. Returns false with errno. */
bool berth_entry_make(int directory, const char *name, bool as_directory);
