/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams that journald takes lines from (sd_journal_stream_fd(3)). */

#pragma once

#include "launch/fault.h"

/*
 * Makes of a new socket a stream whose lines are of the container's unit. It names the unit, which
 * journald believes root alone: a command may have ended before journald could look, and in a user
 * namespace nobody is root. So it is connected outside; but it is made inside, in the container's
 * network namespace, which is where CRIU looks for both of its ends.
 */
bool berth_journal_connect(int fd, const char *id, const char *unit, BerthFault *fault);
