/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may follow on a command line of dist, for shells. A verb is run as it always is; while
 * completing, it is stopped where its options are known (dist_parse), or its verbs
 * (dist_run_group). */

#pragma once

#include "dist.h"

typedef enum {
    DIST_COMPLETE_NOTHING, /* the usual case: no completion */
    DIST_COMPLETE_OPTIONS,
    DIST_COMPLETE_ARGUMENTS,
} DistCompletion;

extern DistCompletion dist_completion;

/* Prints those that begin as the word to be completed does. */
void dist_complete_options(const GOptionEntry *entries);
void dist_complete_verbs(const DistVerb *verbs);
/* What an argument of the verb may be: of the group (NULL), before others arguments. */
void dist_complete_argument(const char *group, const DistVerb *verb, int before);

/* The line as it is up to where it is to be completed. find: a verb by its name. */
typedef const DistVerb *(*DistFindVerb)(const char *name);
void dist_complete_line(const char *line, const DistVerb *const *all, const GOptionEntry *common,
                        DistFindVerb find);

int dist_verb_shell_completion(int argc, char **argv, GError **error);
