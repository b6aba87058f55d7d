/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers that the service still knows, but whose records below --root are gone. */

#pragma once

#include "call.h"
#include "record.h"

/* Deletes the containers of the record's root that have no record and do not run. For the first
 * container below a root only; errors are logged. */
void runtime_leftovers_remove(sd_bus *bus, const RuntimeRecord *record);

/* Deletes the container with the record's id, which was there before the record. False if there is
 * none, or it runs. */
bool runtime_leftovers_remove_one(sd_bus *bus, const RuntimeRecord *record);
