/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/spec/options.h"

/* The health check of a container as its record keeps it (a{sv}), from the options or else from the
 * image; NULL for none. Floating. */
GVariant *berth_health_make_options(const BerthCreateOptions *options, const BerthImageInfo *image);
/* A startup check needs a health check, by option or of the image. */
bool berth_health_check_options(const BerthCreateOptions *options, const BerthImageInfo *image,
                                GError **error);
