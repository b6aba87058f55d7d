/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals by name. */

#pragma once

/* "SIGTERM", "term", "15", "RTMIN+3"; 0 for anything else. */
int berth_signal_parse(const char *text);
