/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs tar(1), which reads or writes the local files of "dist cp". */

#pragma once

#include "base/error.h"

#include <sys/types.h>

/* Starts tar with the pipe as its standard input or output (-1: unchanged); -1 with error. Its
 * messages go to the file says and are shown only if the call succeeds: if the stream ended early,
 * the service's error has the reason. */
pid_t dist_tar_start(char *const *arguments, int input, int output, int errors, GError **error);

/* Waits for tar. called: the call has succeeded; otherwise error is already set. */
bool dist_tar_finish(pid_t pid, bool called, int errors, GError **error);
