/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sandbox of berth-relay. */

#pragma once

#include <stdbool.h>

/* Drops the user and privileges, and restricts the system calls to those that a relay needs. False
 * with errno. */
bool berth_relay_sandbox_enter(void);
