/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The running kernel's version, for behaviour that cannot be probed. */

#pragma once

#include <stdbool.h>

/* Whether the running kernel is this version or a later one. */
bool berth_kernel_is(unsigned major, unsigned minor);

/* Parses "4.8" or "6.1.0-56-amd64"; false if text is not a version. */
bool berth_kernel_parse(const char *text, unsigned *major, unsigned *minor);
