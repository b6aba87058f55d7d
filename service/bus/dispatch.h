/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers methods such that all calls go through one place, which can run a handler again when
 * polkit has answered (bus/access.h) and which refuses methods without a row in bus/permissions.c.
 * Vtables are written as for sd-bus; the userdata of every handler is the BerthService.
 */

#pragma once

#include "bus/service.h"

/* Registers the methods, properties and signals of the objects at or below path that find() finds;
 * if find is NULL, those of the single object at path. Returns a negative errno on failure. */
int berth_dispatch_add(BerthService *service, const char *path, const char *interface,
                       const sd_bus_vtable *vtable, sd_bus_object_find_t find);
