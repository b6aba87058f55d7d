/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hints for the user about errors of the service. */

#pragma once

#include "base/error.h"

/* The text of an error in the user's language, with the hint for it, if there is one. text: as the
 * service sent it. The caller frees the result. */
char *dist_hint_complete(BerthErrorCode code, const char *text, const char *translated);
