/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of a container's root, which is this process's own by now, as a tar stream and back. */

#pragma once

#include "base/error.h"

typedef enum { BERTH_COPY_ANY, BERTH_COPY_FILE, BERTH_COPY_DIRECTORY } BerthCopyKind;

/* What is at path, with all below it, as a tar. name: of its topmost entry, NULL for its own. kind:
 * what it has to be, since the other side has no place for anything else; a file is what is not a
 * directory. */
bool berth_copy_out(const char *path, const char *name, BerthCopyKind kind, int output,
                    GError **error);

/* The names of what is in the directory path, one a line; those of directories end in "/". */
bool berth_copy_list_names(const char *path, int output, GError **error);

/* A tar into the directory path, which is found within the root. name: of the topmost entries, NULL
 * for their own. owners: of the entries, otherwise everything is this user's. A directory does not
 * replace anything else, and nothing else replaces a directory. */
bool berth_copy_in(const char *path, const char *name, int input, bool owners, GError **error);

/* The same into the working directory. */
bool berth_copy_in_here(const char *name, int input, bool owners, GError **error);
