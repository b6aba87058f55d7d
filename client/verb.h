/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs as a table: names, arguments, options and functions. The help, the completion and the
 * manual pages are generated from the same rows.
 */

#pragma once

#include "client/settings.h"

enum { DIST_ANY_NUMBER = -1 };

typedef enum {
    DIST_VERB_STRICT = 1 << 0, /* options end at the first argument: the rest is a command */
    DIST_VERB_RUNS = 1 << 1,   /* its status is that of a process; dist's own failures are 125 */
    /* With -H, a verb without one of these flags uses the host's bus, which cannot pass
     * descriptors. */
    DIST_VERB_THERE = 1 << 2,   /* it passes descriptors or reads files, so it runs on the host */
    DIST_VERB_STREAMS = 1 << 3, /* its files are here; dist on the host receives them as a stream */
    DIST_VERB_HERE = 1 << 4,    /* it is refused with -H */
} DistVerbFlags;

typedef struct DistVerb {
    const char *name;
    const char *arguments; /* as in the synopsis; "" for none */
    const char *summary;   /* one phrase */
    const DistOption *options;
    int (*run)(char **argv, GError **error); /* argv[0] is the verb; options have been removed */
    int min, max;                            /* number of arguments */
    DistVerbFlags flags;
    /* whether it writes local files, so -H takes one host only; or NULL */
    bool (*writes_here)(char **argv);
    const char *details;          /* additional text for the help, or NULL */
    const char *example;          /* a command line, or NULL */
    const struct DistVerb *verbs; /* inner verbs, instead of run(); or NULL */
} DistVerb;

/* The table ends with a verb without a name. NULL if there is no such verb. */
const DistVerb *dist_verb_find_in(const DistVerb *verbs, const char *name);
