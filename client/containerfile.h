/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the images that a Containerfile builds on. */

#pragma once

#include <glib.h>

/* The images that its FROM lines and COPY --from=… name, as written, each once; neither its own
 * stages nor "scratch". arguments: NAME=VALUE of --build-arg, or NULL. A name with a variable that
 * has no value is left out. */
char **dist_containerfile_list_images(const char *text, char *const *arguments);
