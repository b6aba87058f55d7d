/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a container: the properties of its scope that Create and Update may set. */

#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The D-Bus type of a property; NULL for one that may not be set. */
const char *berth_container_property_get_type(const char *name);
/* All names, by their number from 0 on; NULL at the end. */
const char *berth_container_property_get_name(size_t number);
/* Whether it takes a privilege: it reserves resources, of which others have less then. */
bool berth_container_property_reserves(const char *name);
