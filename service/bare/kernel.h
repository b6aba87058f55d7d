/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The running kernel's version, for behaviour that cannot be found by trying. */

#pragma once

#include <stdbool.h>

/* Whether it is this version or a later one. */
bool berth_kernel_is(unsigned major, unsigned minor);

/* Reads "4.8" or "6.1.0-56-amd64"; false if text is not a version. */
bool berth_kernel_parse(const char *text, unsigned *major, unsigned *minor);
