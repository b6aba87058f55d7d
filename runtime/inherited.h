/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The descriptors that this program was started with. */

#pragma once

#include "base/error.h"

/* Numbers from 3 to 66 are possible, which is as many as the service takes. */
enum { RUNTIME_MAX_PRESERVED = 64 };

/* Finds the descriptors to pass to the process: those of --preserve-fds and those from systemd
 * (LISTEN_FDS). Bit N of preserved stands for descriptor 3 + N. Must be called before this program
 * opens any, which could take the numbers of missing ones. */
bool runtime_inherited_find(int preserve, uint64_t *preserved, GError **error);

/* Closes all inherited descriptors that are not passed on, once everything that may be read from
 * one has been read: the engine left them open, and waits for the end of its pipes. */
void runtime_inherited_close(uint64_t preserved);

/* Closes the standard streams and the preserved descriptors, once the container's process has them.
 */
void runtime_inherited_release(uint64_t preserved);
