/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The socket that a filter's profile names for notifications. profile may be NULL. */

#pragma once

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>

/* Adds the privilege for the socket, if the profile names one. */
void berth_filter_listener_add(GPtrArray *names, json_object *profile);
/* Refuses a path that polkit rules cannot compare. */
bool berth_filter_listener_check(json_object *profile, GError **error);
