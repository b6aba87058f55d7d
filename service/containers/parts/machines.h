/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Containers as systemd-machined's machines. */
extern const BerthPart berth_machines_part;
