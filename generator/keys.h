/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The keys of podman-systemd.unit(5) as of podman 5.6, by kind of file: how each is converted, or
 * why it is refused. docs/quadlet.md has the same table for users.
 */

#pragma once

#include "generator/kinds.h"

typedef enum {
    BERTH_KEY_TEXT,    /* the value becomes an option */
    BERTH_KEY_LIST,    /* each value becomes an option */
    BERTH_KEY_WORDS,   /* each word of each value becomes an option */
    BERTH_KEY_FLAG,    /* yes or no */
    BERTH_KEY_OWN,     /* handled by the code of its kind */
    BERTH_KEY_REFUSED, /* option is the reason */
} BerthKeyUse;

typedef struct {
    const char *name;
    BerthKeyUse use;
    const char *option; /* of dist's verb, without "--" */
} BerthKey;

/* The table of a kind, which ends with a key without a name; NULL for a kind that is refused. */
const BerthKey *berth_keys_of(BerthUnitKind kind);
const BerthKey *berth_key_find(BerthUnitKind kind, const char *name);
