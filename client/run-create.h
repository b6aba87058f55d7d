/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making the container of "dist run" and "dist create". */

#pragma once

#include "client/run-options.h"

/* Makes it of dist_run_given; arguments: the image, unless there is a bundle, and the command.
 * Pulls the image if it is not here. provisional: it goes with dist, until it is started. Its id,
 * which the caller frees; NULL with error. */
char *dist_run_create(bool provisional, char *const *arguments, GError **error);
