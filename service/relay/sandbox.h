/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sandbox of berth-relay. */

#pragma once

#include <stdbool.h>

/* The user and the privileges change, and the system calls of a relay are left. False with errno.
 */
bool berth_relay_sandbox_enter(void);
