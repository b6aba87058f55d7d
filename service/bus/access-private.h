/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Access as its two files see it: access.c has the checks, access-owned.c those about objects that
 * have an owner. Used by these two alone. */

#pragma once

#include "bus/access.h"
#include "bus/authorization.h"
#include "bus/permissions.h"

#include <stdarg.h>

struct BerthAccess {
    BerthCallers *callers;
    BerthAuthorizations *authorizations;
    BerthPeerLeft left;
    void *left_userdata;
};

/* One of BERTH_ACCESS_* or negative errno, from 1, 0 and negative errno, as authorizations answer.
 */
int berth_access_from_answer(int r);

/* Pairs, ended by NULL. The strings stay the caller's. */
GPtrArray *berth_access_collect_details(va_list arguments);

/* The question of the table's row for this check. false: there is no such row, or its details have
 * other keys; this is logged. */
bool berth_access_make_question(sd_bus_message *call, const char *check, GPtrArray *details,
                                bool interactive, BerthQuestion *question);

/* Whether the caller allows that the user is asked for a password. */
bool berth_access_may_ask_user(sd_bus_message *call);
/* One question, with the user if the caller allows it. */
int berth_access_check_row(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                           const char *check, GPtrArray *details);
