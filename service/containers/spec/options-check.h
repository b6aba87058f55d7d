/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/spec/options.h"

/* Whether the options, with nothing left to a default, are well formed; what exists already is not
 * looked at. A configuration is made of such options only. */
bool berth_create_options_check(const BerthCreateOptions *options, GError **error);

/* The numbers of ports and networks alone. A rule is asked about each: this comes before the first
 * question. */
bool berth_create_options_check_counts(const BerthCreateOptions *options, GError **error);
