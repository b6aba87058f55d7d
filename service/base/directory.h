/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Directories: making them, and the names in them. A stream is closed when its variable goes out of
 * scope. */

#pragma once

#include "base/error.h"

#include <dirent.h>
#include <sys/types.h>

/* Opens a directory below parent, and makes it with this mode if it is missing; it may not be a
 * symbolic link, unlike the directories of the state directory that an administrator may move. -1
 * with error. */
int berth_directory_make(int parent, const char *name, mode_t mode, GError **error);

/* Lists the directory that is open as directory, which keeps its own offset and stays the caller's.
 * NULL with errno. */
DIR *berth_directory_list(int directory);

/* The next name, "." and ".." left out; NULL at the end. It is good until the next call. */
const char *berth_directory_next(DIR *list);

static inline void berth_directory_clear(DIR **list) {
    if (*list)
        closedir(*list);
    *list = NULL;
}

/* All names in the directory, sorted, so that what is made of them does not depend on the file
 * system. NULL with errno. */
GPtrArray *berth_directory_list_names(int directory);
/* The paths of at most max files whose names end with one of the suffixes, in the order of names.
 * Empty if the directory cannot be read. */
GPtrArray *berth_directory_list_files(const char *path, const char *const *suffixes, unsigned max);

#define berth_autolist __attribute__((cleanup(berth_directory_clear)))
