/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lists a directory. The directory is opened again, because duplicates of a descriptor share one
 * offset. There is no state here.
 */

#include "launch/entries.h"

#include "bare/fd.h"
#include "launch/text.h"

#include <dirent.h>
#include <errno.h>

/* Returns NULL with errno, which is 0 at the end. */
static const char *next_name(DIR *entries) {
    struct dirent *entry;

    errno = 0;
    while ((entry = readdir(entries)))
        if (!berth_text_is(entry->d_name, ".") && !berth_text_is(entry->d_name, ".."))
            return entry->d_name;
    return NULL;
}

bool berth_entries_each(int directory, BerthEntryVisit seen, void *userdata) {
    berth_autofd int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again < 0 ? NULL : fdopendir(again);
    const char *name;
    bool good = true;

    if (!entries)
        return false;
    (void)berth_fd_steal(&again);
    while (good && (name = next_name(entries)))
        good = seen(directory, name, userdata);
    int errnum = errno;
    closedir(entries);
    errno = errnum;
    return good && errnum == 0;
}
