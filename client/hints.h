/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hints for the user about an error of the service. */

#pragma once

#include "base/error.h"

/* The next thing to try, translated, for an error with this text; NULL if there is nothing to say.
 * The caller frees it. */
char *dist_hint_find(BerthErrorCode code, const char *text);
