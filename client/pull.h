/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pulling an image on the way to something else. */

#pragma once

#include "base/error.h"

/* Pulls it and prints nothing but the progress. name: complete. */
bool dist_pull(const char *name, bool insecure, GError **error);
