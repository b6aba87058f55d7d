/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams whose lines go to journald (sd_journal_stream_fd(3)). */

#pragma once

#include "launch/fault.h"

/*
 * Turns a new socket into a stream whose lines belong to the container's unit. The stream names the
 * unit, which journald accepts only from root; without it, a command may have ended before journald
 * looks up its unit. Since no process in a user namespace is root, the socket is connected from
 * outside. It is created inside, in the container's network namespace, because CRIU looks for both
 * ends there.
 */
bool berth_journal_connect(int fd, const char *identifier, const char *unit, BerthFault *fault);
