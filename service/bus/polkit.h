/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One question to polkit: org.freedesktop.PolicyKit1.Authority.CheckAuthorization. permissions.c
 * has all questions; authorization.c asks them, and keeps the calls that wait for the answers. */

#pragma once

#include "bus/audit.h"

/* What polkit is asked about a client. */
typedef struct {
    const BerthPermission *permission;
    char *const *details; /* key, value, …, NULL; a key with a NULL value is left out. Borrowed */
    bool interactive;     /* polkit may ask the user for a password */
} BerthQuestion;

/* A text that is the same for the same question only. */
char *berth_question_make_key(const BerthQuestion *question);

/* answered gets polkit's reply, for berth_polkit_read_verdict(). Negative errno. */
int berth_polkit_ask(sd_bus *bus, sd_bus_slot **slot, const char *client,
                     const BerthQuestion *question, sd_bus_message_handler_t answered,
                     void *userdata);
BerthAuditVerdict berth_polkit_read_verdict(sd_bus_message *reply);
