/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A volume that initially contains what the image has in its place. */

#pragma once

#include "launch/fault.h"

/* Fills the volume if it is empty, or completes an interrupted filling. source is the image's
 * directory. Both are descriptors open for reading. */
bool berth_volume_fill(int source, int volume, BerthFault *fault);
