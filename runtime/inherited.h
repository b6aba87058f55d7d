/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The descriptors that this program was started with. */

#pragma once

#include "base/error.h"

/* There may be numbers from 3 to 66, as the service takes as many. */
enum { RUNTIME_MAX_PRESERVED = 64 };

/* Finds out which of them a process is given: those of --preserve-fds, and of systemd (LISTEN_FDS).
 * Bit N of preserved: descriptor 3 + N. Before this program opens any, since its own would take the
 * numbers of those that are missing. */
bool runtime_inherited_find(int preserve, uint64_t *preserved, GError **error);

/* Closes all that nobody is given, once everything is read that may be one of them: an engine has
 * left them open, and waits for the end of its pipes. */
void runtime_inherited_close(uint64_t preserved);

/* Lets go of the standard streams and of those that are preserved, once the process of the
 * container has them. */
void runtime_inherited_release(uint64_t preserved);
