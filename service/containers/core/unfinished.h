/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects that wait for a callback which never comes if the service ends first. */

#pragma once

#include "containers/core/object.h"

/* Adds an object; free is called with it if the service ends before the object is taken back. */
void berth_unfinished_add(BerthContainers *containers, gpointer object, GDestroyNotify free);
/* The callback has come: the caller owns the object again. */
void berth_unfinished_take(BerthContainers *containers, gpointer object);

/* Frees all objects that are left, and the table. */
void berth_unfinished_free(BerthContainers *containers);
