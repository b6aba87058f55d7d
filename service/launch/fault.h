/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why a step of a launch failed, in words: what a GError is elsewhere, without an allocation. */

#pragma once

#include "bare/launch-protocol.h"

#include <stdbool.h>

typedef struct {
    char text[BERTH_LAUNCH_MAX_TEXT + 1];
} BerthFault;

/* Sets it and returns false, so that "return berth_fault_set(…)" reads as what it is. A fault may
 * be NULL if nobody reads it; errno stays as it was. */
bool berth_fault_set(BerthFault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, followed by what errnum means. */
bool berth_fault_set_errno(BerthFault *fault, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What an errno means; without the translations that strerror(3) brings along. */
const char *berth_fault_describe(int errnum);
