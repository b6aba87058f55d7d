/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The subset of Go's templates that --format takes: {{.Name}} and {{.Name.Member}}, json, index,
 * .Label KEY, range, if, else and end, and \t and \n. */

#pragma once

#include "base/document.h"

/* The template, filled with members of an object, ignoring the case of their names. "json" takes
 * its values from another object, in which they are not formatted; it may be the same. NULL with
 * error. The caller frees the text. */
char *dist_template_fill(const char *template, json_object *object, json_object *values,
                         GError **error);
