/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How methods are registered: each is called through one place, which lets its handler be called
 * again when polkit has answered (bus/access.h), and which refuses a method that has no row in
 * bus/permissions.c. Vtables are written as sd-bus has them, with every handler's userdata the
 * BerthService.
 */

#pragma once

#include "bus/service.h"

/* The methods, properties and signals of the objects that find finds at path or below; NULL: of the
 * one at path. Negative errno. */
int berth_dispatch_add(BerthService *service, const char *path, const char *interface,
                       const sd_bus_vtable *vtable, sd_bus_object_find_t find);
