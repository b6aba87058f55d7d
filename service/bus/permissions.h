/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What each member of the bus asks polkit before it acts: a row for every check, with the action,
 * the verb and the keys of the other details. access.c makes its questions from these rows and
 * refuses a check that has no row or other keys, so that the rows here are exactly the questions
 * that are asked. A member that needs no right stands here too, with what it relies on. The one
 * thing to know: an operation touches nothing that is not in the details of one of its rows.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

#define BERTH_ACTION_PREFIX "org.berth1."

enum {
    /* The right is for changing something: its member's calls and their ends are in the journal. */
    BERTH_PERMISSION_CHANGES = 1 << 0,
    /* A caller that authenticates for it need not do so for the member's other rows. */
    BERTH_PERMISSION_COVERS = 1 << 1,
    /* The detail "reference" is a registry or a repository, HOST[:PORT][/PATH]. */
    BERTH_PERMISSION_PLACE = 1 << 2,
    /* The detail "reference" is a client's own name for an ingest, and no host is in it. */
    BERTH_PERMISSION_OPAQUE = 1 << 3,
};

typedef struct {
    const char *interfaces; /* one or two, without the prefix: "Images" or "Containers Container" */
    const char *member;
    const char *check;   /* what a handler calls it; unique within the member */
    const char *action;  /* without the prefix; NULL: no right is needed */
    const char *verb;    /* the detail "verb" */
    const char *details; /* the keys of the other details, with blanks between */
    const char *relies;  /* with no action: what keeps the member from telling or changing more */
    unsigned flags;      /* BERTH_PERMISSION_… */
    const char *message; /* what polkit tells the user in place of the action's own words */
} BerthPermission;

/* All rows; *count is set. */
const BerthPermission *berth_permissions_list(size_t *count);

/* The row, or NULL. interface without the prefix. */
const BerthPermission *berth_permission_find(const char *interface, const char *member,
                                             const char *check);

/* Whether the member changes something: a row of it says so. */
bool berth_permission_changes(const char *interface, const char *member);

/* The interface and member that a call is to; NULL: the object is none of Berth's. Calls need not
 * name an interface, and those to org.freedesktop.DBus.Properties are to the member "Properties" of
 * the object's interface. */
const char *berth_permission_read_member(sd_bus_message *call, const char **member);

/* The interface of Berth's that the object at a path has, without "org.berth1."; NULL for none. */
const char *berth_permission_find_interface(const char *path);

/* Whether the row names this interface, or this detail. */
bool berth_permission_has_interface(const BerthPermission *permission, const char *interface);
bool berth_permission_has_detail(const BerthPermission *permission, const char *key);
unsigned berth_permission_count_details(const BerthPermission *permission);

/* The value of a detail as rules get it: hosts have many spellings, and a rule that compares texts
 * must not be evaded by another one. Caller frees. */
char *berth_permission_format_detail(const BerthPermission *permission, const char *key,
                                     const char *value);
