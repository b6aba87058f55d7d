/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* The out-of-memory killer, as an event of a container that runs. */
extern const BerthPart berth_oom_part;
