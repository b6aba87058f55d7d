/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of the root the command does not see, or cannot write to. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* In the root that was entered: masked and read-only paths, a read-only root, its propagation. */
bool berth_hidden_paths_apply(const BerthSetup *setup, BerthFault *fault);
