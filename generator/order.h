/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order of the units of a set. */

#pragma once

#include "generator/set.h"

/* A warning if the source's unit waits for itself. */
void berth_unit_order_check(BerthUnitSet *set, BerthUnitSource *source);
