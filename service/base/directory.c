/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list owns its descriptor and belongs to the variable that it was declared with. */

#include "base/directory.h"

#include "base/fd.h"

#include <glib.h>

DIR *berth_directory_list(int directory) {
    /* Opened anew: descriptors that are duplicates of each other share one offset. */
    berth_autofd int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = own < 0 ? NULL : fdopendir(own);

    if (list)
        berth_fd_steal(&own);
    return list;
}

const char *berth_directory_next(DIR *list) {
    struct dirent *entry;

    while ((entry = readdir(list)))
        if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
            return entry->d_name;
    return NULL;
}
