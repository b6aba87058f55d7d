/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns a set-up with pointers into the image that a launcher maps. */

#pragma once

#include "bare/setup.h"

#include <glib.h>

/* The caller frees the image and keeps the set-up. */
GByteArray *berth_setup_image_make(const BerthSetup *setup);
