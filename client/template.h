/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The subset of Go's templates that --format takes: {{.Name}}, and \t and \n. */

#pragma once

#include "base/error.h"

/* The text for a name, which the callee owns; NULL if there is none. */
typedef const char *(*DistTemplateLookUp)(const char *name, void *userdata);

/* The template with its names replaced, ignoring their case; NULL with error. The caller frees it.
 */
char *dist_template_fill(const char *template, DistTemplateLookUp look_up, void *userdata,
                         GError **error);
