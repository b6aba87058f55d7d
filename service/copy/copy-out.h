/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is in a container, as a tar. */

#pragma once

#include "base/error.h"

typedef enum { BERTH_COPY_ANY, BERTH_COPY_FILE, BERTH_COPY_DIRECTORY } BerthCopyKind;

/* What is at path, with all below it, as a tar. name: of its topmost entry, NULL for its own. kind:
 * what it has to be, since the other side has no place for anything else; a file is what is not a
 * directory. */
bool berth_copy_out(const char *path, const char *name, BerthCopyKind kind, int output,
                    GError **error);
