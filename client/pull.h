/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asking a registry for an image on the way to something else. */

#pragma once

#include "base/error.h"

/* Pulls it and prints nothing but the progress. name: complete. */
bool dist_pull(const char *name, bool insecure, GError **error);

/* The digest that the registry has for the name, to be freed; NULL with error. */
char *dist_resolve(const char *name, GError **error);
