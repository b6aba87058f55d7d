/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Registers containers as machines with systemd-machined. */
extern const BerthPart berth_machines_part;
