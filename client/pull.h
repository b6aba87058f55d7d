/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pulls or resolves an image on behalf of another verb. */

#pragma once

#include "base/error.h"

/* Pulls the image and prints only the progress. name: a complete reference. */
bool dist_pull(const char *name, bool insecure, GError **error);

/* The digest that the registry has for the name; NULL with error. The caller frees it. */
char *dist_resolve(const char *name, GError **error);
