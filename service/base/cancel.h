/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Operations that nobody but one client wants: when the client has left the bus they are ended,
 * with what they have of workers and descriptors. An operation registers when it begins, and is
 * known by whom it will tell of its end (its caller's userdata) or by the client's name.
 */

#pragma once

#include "base/error.h"

/* Ends the operation with this error, tells its caller, and frees it. */
typedef void (*BerthCancel)(void *operation, const GError *error);

/* userdata: the caller's; client: a unique name on the bus, or NULL. */
void berth_cancel_register(void *operation, BerthCancel cancel, const void *userdata,
                           const char *client);
/* It has ended. */
void berth_cancel_forget(void *operation);

/* Cancels what has this userdata; what is this client's. */
void berth_cancel_of_userdata(const void *userdata);
void berth_cancel_of_client(const char *client);
