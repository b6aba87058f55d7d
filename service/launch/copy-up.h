/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The option tmpcopyup of a tmpfs (config.md, Linux mount options): it begins with what the image
 * has in its place. */

#pragma once

#include "launch/fault.h"

/* Copies all that is below a directory, with its owners, modes and times, and itself the
 * directory's owner and mode where keeps_own is not set. from, to: descriptors. */
bool berth_copy_up(int from, int to, bool keeps_own, BerthFault *fault);
