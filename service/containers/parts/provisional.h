/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Removes a container whose creator leaves the bus before it is started. */
extern const BerthPart berth_provisional_part;

/* Records the creating client (NULL: none) in what is kept of the container. */
void berth_provisional_note(GVariantDict *extra, const char *creator);
