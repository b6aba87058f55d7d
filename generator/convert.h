/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the unit of a unit file. */

#pragma once

#include "generator/set.h"

/* NULL if the file has errors, which are added to the set's problems. */
BerthService *berth_unit_convert(BerthUnitSet *set, BerthUnitSource *source);
