/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manual pages, generated from the tables of verbs and options when dist is built. */

#pragma once

#include <stdbool.h>

/* Prints dist-NAME(1), the page of a group of verbs; false if there is no such group. */
bool dist_manual_print(const char *name);
