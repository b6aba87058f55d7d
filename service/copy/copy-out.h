/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes files of a container as a tar. */

#pragma once

#include "base/error.h"

typedef enum { BERTH_COPY_ANY, BERTH_COPY_FILE, BERTH_COPY_DIRECTORY } BerthCopyKind;

/* Writes the file at path, with everything below it, as a tar. name replaces the name of the
 * topmost entry; NULL keeps it. kind is the required type, since the destination may have no place
 * for another one; anything that is not a directory counts as a file. */
bool berth_copy_out(const char *path, const char *name, BerthCopyKind kind, bool follows,
                    int output, GError **error);
