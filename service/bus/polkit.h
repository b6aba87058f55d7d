/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One question to polkit: org.freedesktop.PolicyKit1.Authority.CheckAuthorization. permissions.c
 * has all questions; authorization-questions.c asks them, and authorization.c keeps the calls that
 * wait for the answers.
 */

#pragma once

#include "bus/audit.h"

/* A question to polkit about a client. */
typedef struct {
    const BerthPermission *permission;
    char *const *details; /* NULL-terminated pairs, borrowed; a NULL value leaves its pair out */
    bool interactive;     /* polkit may ask the user to authenticate */
} BerthQuestion;

/* Returns a string that differs for different questions. The caller frees it. */
char *berth_question_make_key(const BerthQuestion *question);

/* Sends the question. answered is called with polkit's reply, to be passed to
 * berth_polkit_read_verdict(). Returns a negative errno on failure. */
int berth_polkit_ask(sd_bus *bus, sd_bus_slot **slot, const char *client,
                     const BerthQuestion *question, sd_bus_message_handler_t answered,
                     void *userdata);
/* Reads the verdict in a reply; an error reply or a malformed one is a refusal, and an error is
 * logged. */
BerthAuditVerdict berth_polkit_read_verdict(sd_bus_message *reply);
