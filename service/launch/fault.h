/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The reason why a step of a launch failed, as text. It serves like a GError elsewhere, but without
 * allocation.
 */

#pragma once

#include "bare/launch-protocol.h"

#include <stdbool.h>

typedef struct {
    char text[BERTH_LAUNCH_MAX_TEXT + 1];
} BerthFault;

/* Sets the text and returns false, so that callers can write "return berth_fault_set(…)". fault may
 * be NULL if nobody reads it. errno is preserved. */
bool berth_fault_set(BerthFault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, followed by a description of errnum. */
bool berth_fault_set_errno(BerthFault *fault, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Describes an errno, without the translations that strerror(3) would pull in. */
const char *berth_fault_describe(int errnum);
