/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records of the audit as entries of the journal: their fields, and how many a user may cause. */

#pragma once

#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>

/* Kinds of records, each of which has a limit for one user and a period of time. */
typedef enum {
    BERTH_AUDIT_GOOD, /* something was allowed, or done */
    BERTH_AUDIT_REFUSAL,
    BERTH_AUDIT_FAILURE,
    BERTH_AUDIT_KINDS,
} BerthAuditKind;

void berth_audit_limit_open(sd_event *event);
void berth_audit_limit_close(void);

/* Counts a record of a user; false: it is one too many, and will be in a summary. */
bool berth_audit_limit_take(uint32_t uid, BerthAuditKind kind);

/* Adds a field; control characters of the value are escaped and it is cut to a limit. Adds nothing
 * if it is NULL or empty. */
void berth_audit_add(BerthLogEntry *entry, const char *field, const char *value);
/* BERTH_DETAIL_KEY=; names of images without credentials. */
void berth_audit_add_detail(BerthLogEntry *entry, const char *key, const char *value);

/* The value of a detail as it may be recorded. New. */
char *berth_audit_clean(const char *key, const char *value);
