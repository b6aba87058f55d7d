/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The mount points that every container of an image needs, whether or not the image has them: the
 * lowest layer of the container's root. Made in the writable layer, they would be changes of the
 * container.
 */

#pragma once

#include "base/error.h"

#include <stdbool.h>

/* Makes the layers in the state directory unless they are there. */
bool berth_mount_points_make(int directory, GError **error);

/* The name of the layer for a container with so many layers, as in the list of these; NULL if the
 * container has to do without. */
const char *berth_mount_points_choose(unsigned layers, bool no_hosts);
