/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where berth-runtime reports failures: standard error, and the file of --log. */

#pragma once

#include "base/error.h"

typedef enum { RUNTIME_LOG_ERROR, RUNTIME_LOG_WARNING, RUNTIME_LOG_DEBUG } RuntimeLogLevel;
typedef enum { RUNTIME_LOG_TEXT, RUNTIME_LOG_JSON } RuntimeLogFormat;

/* "text" or "json". */
bool runtime_log_parse_format(const char *text, RuntimeLogFormat *format, GError **error);

/* Opens the log, to which later messages are appended. Without a file, messages only go to standard
 * error, and those of the level "debug" only if debug is true. */
bool runtime_log_open(const char *file, RuntimeLogFormat format, bool debug, GError **error);

/* Appends a message to the log; errors are written to standard error in any case. */
void runtime_log(RuntimeLogLevel level, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* One line of the log, without its newline, with the current time. The caller frees it. */
char *runtime_log_make_line(RuntimeLogFormat format, RuntimeLogLevel level, const char *message,
                            GDateTime *time);
