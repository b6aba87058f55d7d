/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signal names. */

#pragma once

/* Parses "SIGTERM", "term", "15" or "RTMIN+3"; returns 0 for anything else. */
int berth_signal_parse(const char *text);
