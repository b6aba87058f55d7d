/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams that journald takes lines from (sd_journal_stream_fd(3)). */

#pragma once

#include "base/error.h"

/*
 * A stream whose lines are of the container's scope. It names the unit, which journald believes
 * root alone: a command may have ended before journald could look, and in a user namespace nobody
 * is root. So it is connected outside, and inherited.
 */
int berth_journal_connect(const char *id, GError **error);
