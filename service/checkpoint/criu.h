/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Running CRIU (criu(8)): its arguments, and what it says of why it failed. */

#pragma once

#include "base/error.h"

/* Arguments of "criu VERB", which works on the images in this directory and writes its log to the
 * file. Freed with g_ptr_array_unref. */
GPtrArray *berth_criu_new(const char *verb, const char *images, const char *log);
void berth_criu_add(GPtrArray *arguments, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Runs it to its end, for the container with this id. */
bool berth_criu_run(GPtrArray *arguments, const char *log, const char *id, GError **error);

/* Becomes it. */
G_GNUC_NORETURN void berth_criu_become(GPtrArray *arguments);

/* Whether the log says so. */
bool berth_criu_has_failed(const char *log);
/* Sets the error to the reasons that the log has, and journals all of it. */
void berth_criu_explain(const char *log, const char *id, GError **error);
