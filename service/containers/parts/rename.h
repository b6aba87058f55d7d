/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* In the record's extra, t: when the container received its present id. */
#define BERTH_RENAMED_TIME "RenamedTime"

/* Completes renames that were interrupted by a crash. */
extern const BerthPart berth_rename_part;

/* Gives a container another id. FailedPrecondition while it is running. */
bool berth_container_rename(BerthContainer *container, const char *id, GError **error);
