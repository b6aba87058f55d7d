/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Converts a unit file to a systemd unit. */

#pragma once

#include "generator/set.h"

/* NULL if the file has errors, which are added to the set's problems. */
BerthService *berth_unit_convert(BerthUnitSet *set, BerthUnitSource *source);
