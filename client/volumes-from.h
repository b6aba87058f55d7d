/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --volumes-from: the mounts of another container, as values of --volume. */

#pragma once

#include "base/error.h"

/* sources: "ID[:OPTIONS]". Adds to a list like that of --volume. */
bool dist_volumes_from(char *const *sources, char ***volumes, GError **error);
