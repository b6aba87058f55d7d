/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a container keeps of the store besides its own image. */

#pragma once

#include "containers/core/part.h"

/* In the record, as "as": chain IDs and digests. */
#define BERTH_PINNED "Pinned"

extern const BerthPart berth_pinned_part;
