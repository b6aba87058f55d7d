/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist tag", and "dist rmi", which is also "dist untag". */

#pragma once

#include "client/option.h"

extern const DistOption dist_tag_options[];
extern const DistOption dist_rmi_options[];
int dist_verb_tag(char **argv, GError **error);
int dist_verb_rmi(char **argv, GError **error);
