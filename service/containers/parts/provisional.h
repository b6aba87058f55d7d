/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Removes a container whose creator disconnects from the bus before the first start. */
extern const BerthPart berth_provisional_part;

/* Records the creating client in the extra of the record; NULL for none. */
void berth_provisional_store_creator(GVariantDict *extra, const char *creator);
