/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* A value of extra, t: when the container was given its present id. */
#define BERTH_RENAMED_TIME "RenamedTime"

/* Completes renames that a crash has cut off. */
extern const BerthPart berth_rename_part;

/* Gives a container another id; FailedPrecondition while it runs. */
bool berth_container_rename(BerthContainer *container, const char *id, GError **error);
