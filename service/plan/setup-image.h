/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A set-up with its pointers as the image that a launcher maps. */

#pragma once

#include "bare/setup.h"

#include <glib.h>

/* The caller owns the image, and the set-up. */
GByteArray *berth_setup_image_make(const BerthSetup *setup);
