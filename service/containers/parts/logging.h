/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Sets the journal fields of a container's log entries. */
extern const BerthPart berth_logging_part;
