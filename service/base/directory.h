/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Directories: creating them, and listing the names in them. A stream is closed when its variable
 * goes out of scope.
 */

#pragma once

#include "base/error.h"

#include <dirent.h>
#include <sys/types.h>

/* Opens a directory below parent, and creates it with this mode if it is missing. It must not be a
 * symbolic link; a mount there may be another file system. Returns -1 with error set on failure. */
int berth_directory_make(int parent, const char *name, mode_t mode, GError **error);

/* Returns the path of an open directory, which the caller frees; NULL if it has none. */
char *berth_directory_read_path(int directory);

/* Returns the whole path of a name below an open directory, for messages; only the name if the
 * directory has no path. */
char *berth_directory_path_of(int directory, const char *name);

/* Lists an open directory. The descriptor keeps its own offset and still belongs to the caller.
 * Returns NULL with errno set on failure. */
DIR *berth_directory_list(int directory);

/* Returns the next name except "." and ".."; NULL at the end. It is valid until the next call. */
const char *berth_directory_next(DIR *list);

static inline void berth_directory_clear(DIR **list) {
    if (*list)
        closedir(*list);
    *list = NULL;
}

/* Returns all names in the directory, sorted so that results do not depend on the file system. NULL
 * with errno set on failure. */
GPtrArray *berth_directory_list_names(int directory);
/* Returns the paths of at most max files whose names end with one of the suffixes, sorted by name.
 * Empty if the directory cannot be read. */
GPtrArray *berth_directory_list_files(const char *path, const char *const *suffixes, unsigned max);

#define berth_autolist __attribute__((cleanup(berth_directory_clear)))
