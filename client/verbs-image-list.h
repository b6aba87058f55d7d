/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist images". */

#pragma once

#include "client/option.h"

extern const DistOption dist_images_options[];
int dist_verb_images(char **argv, GError **error);
