/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Restores the rules of networks when the host's firewalld has discarded them. */
extern const BerthPart berth_firewall_part;
