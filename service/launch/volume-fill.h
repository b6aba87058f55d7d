/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A volume that begins with what the image has in its place. */

#pragma once

#include "launch/fault.h"

/* Fills the volume if it is empty, or if an earlier filling has not ends. source: the
 * image's directory. Both are descriptors that are open for reading. */
bool berth_volume_fill(int source, int volume, BerthFault *fault);
