/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The images that a Containerfile builds on. */

#pragma once

#include <glib.h>

/* The images that its FROM lines and COPY --from=… name, as they are written, each once; not its
 * own stages and not "scratch". arguments: NAME=VALUE of --build-arg; NULL for none. A name with a
 * variable that has no value is left out. */
char **dist_containerfile_list_images(const char *text, char *const *arguments);
