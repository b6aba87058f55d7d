/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manual pages, made from the tables of verbs and options when dist is built. */

#pragma once

#include <stdbool.h>

/* Prints dist-NAME(1), of a group of verbs; false if there is none of that name. */
bool dist_manual_print(const char *name);
