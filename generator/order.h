/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order in which the units of a set start. */

#pragma once

#include "generator/set.h"

/* Adds a warning if the source's unit waits for itself. */
void berth_unit_order_check(BerthUnitSet *set, BerthUnitSource *source);
