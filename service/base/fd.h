/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * File descriptors: automatic closing, whole reads and writes, and opening below a directory
 * without ever leaving it.
 */

#pragma once

#include "bare/fd.h"
#include "base/error.h"

/* Opens path below directory, and on the same mount. */
int berth_fd_open_on_mount(int directory, const char *path, int flags, mode_t mode);

/* Opens path below directory; an absolute symlink or ".." is taken within it (openat2(2),
 * RESOLVE_IN_ROOT). Returns the descriptor, close-on-exec, or -1 with errno. */
int berth_fd_open_in_root(int directory, const char *path, int flags, mode_t mode);

/* As the first, but a symlink is an error (ELOOP), also within directory. With O_PATH and
 * O_NOFOLLOW the last component may be one. */
int berth_fd_open_real(int directory, const char *path, int flags, mode_t mode);

/* Reads a whole file from its start; LimitExceeded above limit bytes. The result is freed with
 * g_free and has a NUL after its last byte. */
char *berth_fd_read_whole(int fd, size_t limit, size_t *size, GError **error);

/* The same for a pipe or socket: from its present position to its end. */
char *berth_fd_read_stream(int fd, size_t limit, size_t *size, GError **error);
/* The same of a file below a directory, or of an absolute name (AT_FDCWD): files of cgroupfs and
 * procfs have no size that stat(2) could tell. NULL if it cannot be opened or read. */
char *berth_fd_read_file_at(int directory, const char *name, size_t limit);

/* Replaces the file name below directory, or makes it: a new file is written beside it,
 * ".new-NAME", and renamed. A reader finds the old content or the new one, also after the writer
 * has died; after a crash of the machine it may be lost. mode is exact. False with errno. */
bool berth_fd_replace(int directory, const char *name, const void *data, size_t size, mode_t mode);

/* A file in memory with this content, positioned at its start; -1 with error. */
int berth_fd_new_in_memory(const void *data, size_t size, GError **error);

/* A pipe with both ends close-on-exec and as large a buffer as is allowed up to 1 MiB. */
bool berth_fd_pipe(int ends[2], GError **error);

/* Removes what lies below directory under name, whatever it is, without following symlinks and
 * without crossing a mount. What is not there is fine. */
bool berth_fd_remove_tree(int directory, const char *name, GError **error);

/* The same, but it gives up with LimitExceeded after limit entries; what was removed is gone. */
bool berth_fd_remove_small_tree(int directory, const char *name, unsigned limit, GError **error);

/* The same for all that is in the directory path, which stays. */
bool berth_fd_remove_children(const char *path, GError **error);
