/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of BerthAccess shared by its two files: access.c has the checks, access-owned.c those
 * on objects that have an owner. No other file uses this header.
 */

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

/* Converts a result of an authorization (1, 0 or negative errno) to BERTH_ACCESS_* or negative
 * errno. */
int berth_access_from_answer(int r);

/* Collects NULL-terminated pairs of key and value. The strings are borrowed from the caller. */
GPtrArray *berth_access_collect_details(va_list arguments);

/* Fills in the question from the table's row for this check. Returns false and logs an error if
 * there is no such row or if its details have other keys. */
bool berth_access_make_question(sd_bus_message *call, const char *check, GPtrArray *details,
                                bool interactive, BerthQuestion *question);

/* Whether the caller allows interactive authorization. */
bool berth_access_may_ask_user(sd_bus_message *call);
/* Asks one question, interactively if the caller allows it. */
int berth_access_check_row(BerthAccess *access, sd_bus_message *call, sd_bus_error *error,
                           const char *check, GPtrArray *details);
