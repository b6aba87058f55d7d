/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks a pidfd whether its process has ended (pidfd_open(2)). */

#pragma once

#include <stdbool.h>

/* True if the process has not ended. Never reaps it. False if the kernel does not answer: a pid is
 * taken for its process only if that is known to exist. */
bool berth_pidfd_is_running(int pidfd);
