/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Questions to the user before something is deleted. */

#pragma once

#include "client/settings.h"

/* Asks the user for confirmation on the terminal. False with error if the answer is not yes, or if
 * nobody can be asked; the verb's --force is then the way. */
bool dist_confirm(const char *question, GError **error);
