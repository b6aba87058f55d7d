/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* The fields of a container's entries in the journal. */
extern const BerthPart berth_logging_part;
