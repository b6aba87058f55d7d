/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a container: the scope properties that Create and Update may set. */

#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The D-Bus type of a property, or NULL if it may not be set. */
const char *berth_container_property_get_type(const char *name);
/* All names, indexed from 0; NULL after the last one. */
const char *berth_container_property_get_name(size_t number);
/* Returns true if setting the property needs a privilege, because it reserves resources that others
 * then lack. */
bool berth_container_property_reserves(const char *name);
