/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A mount that initially contains what the image has in its place: a tmpfs with the option
 * tmpcopyup (config.md, Linux mount options), or a volume that is empty.
 */

#pragma once

#include "launch/fault.h"

/* Copies everything below a directory, with owners, modes and times, and the directory's own owner
 * and mode unless keeps_own is set. from and to are descriptors. */
bool berth_copy_up(int from, int to, bool keeps_own, BerthFault *fault);

/* Copies just the owner and mode of the directory itself. */
bool berth_copy_up_attributes(int from, int to, BerthFault *fault);
