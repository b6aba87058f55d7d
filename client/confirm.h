/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client/settings.h"

/* Asks the user at the terminal before something is deleted. False with error if the answer is not
 * yes, or if nobody can be asked; then the verb's --force is the way. */
bool dist_confirm(const char *question, GError **error);
