/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/spec/options.h"

/* The health check of a container in the form that its record stores (a{sv}), from the options or
 * otherwise from the image; NULL if there is none. The variant is floating. */
GVariant *berth_health_make_options(const BerthCreateOptions *options, const BerthImageInfo *image);
/* Checks that a startup check comes with a health check, from the options or the image. */
bool berth_health_check_options(const BerthCreateOptions *options, const BerthImageInfo *image,
                                GError **error);
