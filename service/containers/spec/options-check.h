/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/spec/options.h"

/* Checks that the options, with nothing left to a default, are well-formed, without looking at what
 * already exists. A configuration is made only from options that have passed. */
bool berth_create_options_check(const BerthCreateOptions *options, GError **error);

/* Checks only the numbers of ports and networks. A rule is evaluated for each of them, so this
 * comes before the first one. */
bool berth_create_options_check_counts(const BerthCreateOptions *options, GError **error);
