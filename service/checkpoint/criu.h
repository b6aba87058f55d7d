/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Running CRIU (criu(8)): its arguments, and the reasons for a failure in its log. */

#pragma once

#include "base/error.h"

/* The arguments of "criu VERB", which works on the images in this directory and writes its log to
 * this file. Freed with g_ptr_array_unref(). */
GPtrArray *berth_criu_new(const char *verb, const char *images, const char *log);
void berth_criu_add(GPtrArray *arguments, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Runs CRIU until it exits, for the container with this id. */
bool berth_criu_run(GPtrArray *arguments, const char *log, const char *id, GError **error);

/* Executes CRIU in place of this process. */
G_GNUC_NORETURN void berth_criu_become(GPtrArray *arguments);

/* Returns true if the log says that CRIU has failed. */
bool berth_criu_has_failed(const char *log);
/* Sets error to the reasons in the log, and writes the whole log to the journal. */
void berth_criu_explain(const char *log, const char *id, GError **error);
