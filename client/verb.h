/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs as a table: names, arguments, options and functions. The help, the completion and the
 * manual pages are made from the same rows.
 */

#pragma once

#include "client/settings.h"

enum { DIST_ANY_NUMBER = -1 };

typedef enum {
    DIST_VERB_STRICT = 1 << 0, /* options end at the first argument: what follows is a command */
    DIST_VERB_RUNS = 1 << 1,   /* its status is that of a process; failures of dist have 125 */
    /* With -H, a verb without one of these uses the bus of the host, which passes no descriptors.
     */
    DIST_VERB_THERE = 1 << 2,   /* it passes descriptors or reads files: it runs there */
    DIST_VERB_STREAMS = 1 << 3, /* its files are here: dist there gets them as a stream */
    DIST_VERB_HERE = 1 << 4,    /* it is refused */
} DistVerbFlags;

typedef struct DistVerb {
    const char *name;
    const char *arguments; /* as the synopsis has them; "" for none */
    const char *summary;   /* one phrase */
    const DistOption *options;
    int (*run)(char **argv, GError **error); /* argv[0] is the verb; options are taken */
    int min, max;                            /* number of arguments */
    DistVerbFlags flags;
    bool (*writes_here)(char **argv); /* with -H: files of this machine, so of one host; or NULL */
    const char *details;              /* more for the help, or NULL */
    const char *example;              /* a line to type, or NULL */
    const struct DistVerb *verbs;     /* of a verb that has verbs instead of run() */
} DistVerb;

/* Verbs end with one without a name. NULL if there is none of that name. */
const DistVerb *dist_verb_find_in(const DistVerb *verbs, const char *name);
