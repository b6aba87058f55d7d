/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The entries of a directory. */

#pragma once

#include <stdbool.h>

typedef bool (*BerthEntryVisit)(int directory, const char *name, void *userdata);

/* Calls seen for each but "." and "..", until it returns false with errno. False with errno, also
 * if the directory cannot be read to its end. It is open for reading. */
bool berth_entries_each(int directory, BerthEntryVisit seen, void *userdata);
