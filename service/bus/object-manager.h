/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The object manager of /org/berth1. */

#pragma once

#include "bus/service.h"

/* Registers it. Returns a negative errno on failure. */
int berth_object_manager_add(BerthService *service);
