/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Rules of networks that the host's firewalld has forgotten are written again. */
extern const BerthPart berth_firewall_part;
