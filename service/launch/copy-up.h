/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A mount that begins with what the image has in its place: a tmpfs with the option tmpcopyup
 * (config.md, Linux mount options), and a volume while it is empty. */

#pragma once

#include "launch/fault.h"

/* Copies all that is below a directory, with its owners, modes and times, and itself the
 * directory's owner and mode where keeps_own is not set. from, to: descriptors. */
bool berth_copy_up(int from, int to, bool keeps_own, BerthFault *fault);

/* The directory's owner and mode alone. */
bool berth_copy_up_attributes(int from, int to, BerthFault *fault);
