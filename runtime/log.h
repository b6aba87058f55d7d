/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where berth-runtime reports what fails: its standard error, and the file of --log. */

#pragma once

#include "base/error.h"

typedef enum { RUNTIME_LOG_ERROR, RUNTIME_LOG_WARNING, RUNTIME_LOG_DEBUG } RuntimeLogLevel;
typedef enum { RUNTIME_LOG_TEXT, RUNTIME_LOG_JSON } RuntimeLogFormat;

/* "text" or "json". */
bool runtime_log_parse_format(const char *text, RuntimeLogFormat *format, GError **error);

/* Opens the log, to which every later message is appended. Without a file, messages go to the
 * standard error alone, and those of the level "debug" only if debug is true. */
bool runtime_log_open(const char *file, RuntimeLogFormat format, bool debug, GError **error);

void runtime_log(RuntimeLogLevel level, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* One line of the log, without its end, as it is written at this time. The caller frees it. */
char *runtime_log_make_line(RuntimeLogFormat format, RuntimeLogLevel level, const char *message,
                            GDateTime *time);
