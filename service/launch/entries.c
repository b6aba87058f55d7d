/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lists a directory, and makes entries in one. To be listed, the directory is opened again, because
 * duplicates of a descriptor share one offset. There is no state here.
 */

#include "launch/entries.h"

#include "bare/fd.h"
#include "launch/text.h"

#include <dirent.h>
#include <errno.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>

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

/* O_EXCL keeps the kernel from following a dangling link in the image (open(2)). */
static bool make_entry(int directory, const char *name, bool as_directory) {
    if (as_directory)
        return mkdirat(directory, name, 0755) == 0;
    berth_autofd int made =
        openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    return made >= 0;
}

/* The mount of a user's own files maps only that user, who need not be the container's root
 * (keep-id). Root can create nothing there (EOVERFLOW), since it would not have an owner on disk.
 * The owner of the directory can, with its own permissions only (capabilities(7)). */
static bool make_entry_as_owner(int directory, const char *name, bool as_directory) {
    struct stat status;

    if (fstat(directory, &status) < 0)
        return false;
    setfsgid(status.st_gid);
    setfsuid(status.st_uid);
    bool made = make_entry(directory, name, as_directory);
    int failure = errno;
    setfsuid(0);
    setfsgid(0);
    /* A change of these ids resets the dumpable flag, as in inside.c. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    errno = failure;
    return made;
}

bool berth_entry_make(int directory, const char *name, bool as_directory) {
    return make_entry(directory, name, as_directory) ||
           (errno == EOVERFLOW && make_entry_as_owner(directory, name, as_directory));
}
