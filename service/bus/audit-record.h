/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Audit records as journal entries: their fields, and how many of them one user may cause. */

#pragma once

#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>

/* Kinds of records. Each has its own limit per user and window. */
typedef enum {
    BERTH_AUDIT_GOOD, /* something was allowed or done */
    BERTH_AUDIT_REFUSAL,
    BERTH_AUDIT_FAILURE,
    BERTH_AUDIT_KINDS,
} BerthAuditKind;

/* Creates the counters, whose timers run in this loop, and frees them again. */
void berth_audit_limit_open(sd_event *event);
void berth_audit_limit_close(void);

/* Counts a record of a user. Returns false if it exceeds the limit; a summary will then include
 * it. */
bool berth_audit_limit_take(uint32_t uid, BerthAuditKind kind);

/* Adds a field. Control characters in the value are escaped, and the value is truncated to a limit.
 * Does nothing if the value is NULL or empty. */
void berth_audit_add(BerthLogEntry *entry, const char *field, const char *value);
/* Adds a field BERTH_DETAIL_KEY=. Credentials are removed from image names. */
void berth_audit_add_detail(BerthLogEntry *entry, const char *key, const char *value);

/* Returns the value of a detail in the form that may be recorded. The caller frees it. */
char *berth_audit_clean(const char *key, const char *value);
