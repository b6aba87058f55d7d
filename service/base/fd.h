/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * File descriptors: closing them automatically, reading and writing completely, and opening paths
 * below a directory without ever leaving it.
 */

#pragma once

#include "bare/fd.h"
#include "base/error.h"

/* Opens path below directory, without leaving it or crossing into another mount. */
int berth_fd_open_on_mount(int directory, const char *path, int flags, mode_t mode);

/* Opens path below directory, which acts as the root for absolute symlinks and ".." (openat2(2),
 * RESOLVE_IN_ROOT). Returns a close-on-exec descriptor, or -1 with errno set. */
int berth_fd_open_in_root(int directory, const char *path, int flags, mode_t mode);

/* Like berth_fd_open_on_mount, but any symlink is an error (ELOOP), even one that stays inside
 * directory. With O_PATH and O_NOFOLLOW, the last component may be a symlink. */
int berth_fd_open_real(int directory, const char *path, int flags, mode_t mode);

/* Reads a whole file from its start; LimitExceeded if it is longer than limit bytes. The result is
 * NUL-terminated and freed with g_free. */
char *berth_fd_read_whole(int fd, size_t limit, size_t *size, GError **error);

/* Like berth_fd_read_whole, for a pipe or socket: reads from the current position to the end. */
char *berth_fd_read_stream(int fd, size_t limit, size_t *size, GError **error);
/* Like berth_fd_read_whole, for a file below a directory, or with AT_FDCWD for an absolute path.
 * Also for files in cgroupfs and procfs, for which stat(2) reports no size. Returns NULL if the
 * file cannot be opened or read. */
char *berth_fd_read_file_at(int directory, const char *name, size_t limit);

#define BERTH_FD_NEW_PREFIX ".new-"

/* Creates or replaces the file name below directory: a new file ".new-NAME" is written next to it
 * and renamed. Readers see either the old or the new content, even if the writer dies in between;
 * after a crash of the machine, the new content may be lost. mode is applied exactly. Returns false
 * with errno set on failure. */
bool berth_fd_replace(int directory, const char *name, const void *data, size_t size, mode_t mode);
/* The same, but after a crash of the machine, the file has the new content. If only the sync of the
 * directory fails, the file may be replaced nevertheless. */
bool berth_fd_replace_synced(int directory, const char *name, const void *data, size_t size,
                             mode_t mode);

/* Creates a file in memory with this content, positioned at its start. Returns -1 with error set on
 * failure. */
int berth_fd_new_in_memory(const void *data, size_t size, GError **error);

/* Fixes the content and the size of a file in memory that allows sealing (fcntl(2), File Sealing).
 * Returns false with errno set on failure. */
bool berth_fd_seal(int fd);

/* Creates a pipe with both ends close-on-exec and a buffer of up to 1 MiB, as far as the system
 * allows. */
bool berth_fd_pipe(int ends[2], GError **error);

/* Removes name below directory, whatever it is, without following symlinks or crossing mounts. A
 * missing name is not an error. */
bool berth_fd_remove_tree(int directory, const char *name, GError **error);

/* Like berth_fd_remove_tree, but fails with LimitExceeded after removing limit entries, or at a
 * file that takes long to remove; what was removed before that remains removed. */
bool berth_fd_remove_small_tree(int directory, const char *name, unsigned limit, GError **error);

/* Removes everything in the directory path, but not the directory itself. */
bool berth_fd_remove_children(const char *path, GError **error);
