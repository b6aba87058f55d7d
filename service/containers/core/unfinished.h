/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What waits for a callback that may never come, since the service ends first. */

#pragma once

#include "containers/core/object.h"

/* From here on, free is called with the object when the service ends. */
void berth_unfinished_add(BerthContainers *containers, gpointer object, GDestroyNotify free);
/* The callback has come: the object is the caller's again. */
void berth_unfinished_take(BerthContainers *containers, gpointer object);

/* Frees all that there are, and the table. */
void berth_unfinished_free(BerthContainers *containers);
