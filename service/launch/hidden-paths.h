/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hides parts of the root from the command, or makes them read-only. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

/* In the new root: masked and read-only paths, a read-only root, and the root's propagation. */
bool berth_hidden_paths_apply(const BerthSetup *setup, BerthFault *fault);
