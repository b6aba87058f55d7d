/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The options of dist, from the tables in client/: a key that becomes an option is supported to the
 * same extent as the option.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum {
    BERTH_OPTION_FLAG,
    BERTH_OPTION_VALUE,
    BERTH_OPTION_LIST, /* takes a value and may be repeated */
    BERTH_OPTION_REFUSED,
} BerthOptionKind;

typedef struct {
    const char *name; /* without "--"; NULL ends a table */
    char letter;      /* or 0 */
    BerthOptionKind kind;
    const char *reason;         /* why the option, or every other value, is refused */
    const char *const *choices; /* the values that are accepted; NULL: any */
} BerthOption;

typedef enum {
    BERTH_VERB_GLOBAL, /* options that precede the verb */
    BERTH_VERB_RUN,
    BERTH_VERB_PULL,
    BERTH_VERB_VOLUME_CREATE,
    BERTH_VERB_NETWORK_CREATE,
    BERTH_VERB_POD_CREATE,
    BERTH_VERB_BUILD,
} BerthVerb;

/* NULL if the verb has no such option. */
const BerthOption *berth_option_find(BerthVerb verb, const char *name, size_t length);

/* Whether the option accepts a value; otherwise *reason says why not, and the caller frees it. */
bool berth_option_check(BerthVerb verb, const char *name, const char *value, char **reason);

/* The same for the words of a command line, all of which must be options and their values. */
bool berth_options_check_line(BerthVerb verb, char *const *words, char **reason);
