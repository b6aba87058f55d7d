/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The names in a directory, with the stream closed when its variable goes out of scope. */

#pragma once

#include <dirent.h>
#include <stddef.h>

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

#define berth_autolist __attribute__((cleanup(berth_directory_clear)))
