/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The questions that each bus member asks polkit before it acts: one row per check, with the
 * action, the verb and the keys of the other details. access.c builds its questions from these rows
 * and refuses a check without a row or with other keys, so that exactly these questions are asked.
 * A member that needs no right is listed as well, with the reason. The one thing to know: an
 * operation touches nothing that is not in the details of one of its rows.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

#define BERTH_ACTION_PREFIX "org.berth1."

enum {
    /* The right is for changing something: calls of its member and their results are recorded in
     * the journal. */
    BERTH_PERMISSION_CHANGES = 1 << 0,
    /* A caller that authenticates for this row does not have to do so for the member's other
     * rows. */
    BERTH_PERMISSION_COVERS = 1 << 1,
    /* The detail "reference" is a registry or a repository, HOST[:PORT][/PATH]. */
    BERTH_PERMISSION_PLACE = 1 << 2,
    /* The detail "reference" is a name that a client has chosen for an ingest; it contains no
     * host. */
    BERTH_PERMISSION_OPAQUE = 1 << 3,
};

typedef struct {
    const char *interfaces; /* one or two, without the prefix: "Images" or "Containers Container" */
    const char *member;
    const char *check;     /* name used by handlers; unique within the member */
    const char *action;    /* without the prefix; NULL: no right is needed */
    const char *verb;      /* value of the detail "verb" */
    const char *details;   /* keys of the other details, separated by spaces */
    const char *safeguard; /* if no action: what keeps the member from revealing or changing more */
    unsigned flags;        /* BERTH_PERMISSION_… flags */
    const char *message;   /* shown by polkit in place of the action's own message, or NULL */
} BerthPermission;

/* Returns all rows and sets *count. */
const BerthPermission *berth_permissions_list(size_t *count);

/* Returns the row, or NULL if there is none. interface is without the prefix. */
const BerthPermission *berth_permission_find(const char *interface, const char *member,
                                             const char *check);

/* Whether the member changes something, according to the flags of its rows. */
bool berth_permission_changes(const char *interface, const char *member);

/* Returns the interface and sets *member to the member that a call is for. NULL: the object is not
 * one of Berth's. A call may omit the interface. One to org.freedesktop.DBus.Properties counts as a
 * call of the member "Properties" of the object's interface. */
const char *berth_permission_read_member(sd_bus_message *call, const char **member);

/* Returns the Berth interface of the object at a path, without "org.berth1."; NULL if there is
 * none. */
const char *berth_permission_find_interface(const char *path);

/* Whether the row has this interface, or this detail. */
bool berth_permission_has_interface(const BerthPermission *permission, const char *interface);
bool berth_permission_has_detail(const BerthPermission *permission, const char *key);
unsigned berth_permission_count_details(const BerthPermission *permission);

/* Returns the value of a detail as passed to rules. Hosts can be spelt in many ways, and a rule
 * that compares strings must not be evaded by a different spelling. The caller frees it. */
char *berth_permission_format_detail(const BerthPermission *permission, const char *key,
                                     const char *value);
