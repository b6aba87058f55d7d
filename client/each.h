/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs the same operation for each argument of a verb: a failure is reported, and the remaining
 * arguments are still processed.
 */

#pragma once

#include "client/bus.h"

typedef bool (*DistArgumentAction)(const char *argument, const void *userdata, GError **error);

/* Returns the exit status. */
int dist_for_each(char *const *arguments, DistArgumentAction act, const void *userdata);
void dist_print_error(const GError *error);

/* Makes the call for one argument; NULL with error. */
typedef sd_bus_message *(*DistMakeCall)(const char *argument, const void *userdata, GError **error);

/* The same for calls that take time: many at once, unless a password may be asked for. Prints the
 * arguments that succeeded, in their order. */
int dist_ask_each(char *const *arguments, DistMakeCall make, const void *userdata);

/* Calls MEMBER(s) for each and prints those that succeeded. */
int dist_call_each(const char *path, const char *interface, const char *member, char **arguments);
/* The same for Delete(s); it is not an error if there is no such object. */
int dist_delete_each_existing(const char *path, const char *interface, char **arguments);
/* Calls Delete(s, a{sv}) for each and prints what was deleted. */
int dist_delete_each(const char *path, const char *interface, gboolean force, char **arguments);
