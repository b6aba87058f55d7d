/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hints for the user about an error of the service. */

#pragma once

#include "base/error.h"

/* The text of an error in the user's language, with the hint that there is for it as the service
 * has it. The caller frees it. */
char *dist_hint_complete(BerthErrorCode code, const char *text, const char *translated);
