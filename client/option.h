/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The options of a verb as a table. Parsing, --help, the shells' completion and the manual pages
 * all read the same table, so none of them can omit an option.
 */

#pragma once

#include "base/error.h"

typedef enum {
    DIST_OPTION_FLAG,    /* target: gboolean; --name, --name=false */
    DIST_OPTION_TEXT,    /* target: char *, which belongs to the command line */
    DIST_OPTION_LIST,    /* target: char **, NULL-terminated; may be given several times */
    DIST_OPTION_NUMBER,  /* target: gint64 */
    DIST_OPTION_CALL,    /* take() receives the value, or NULL if there is none */
    DIST_OPTION_ONLY,    /* only choices are accepted, and have no effect; help gives the reason */
    DIST_OPTION_REFUSED, /* known from podman, and refused; help gives the reason */
    DIST_OPTION_HEADING, /* not an option: help is the title of those that follow */
    DIST_OPTION_TABLE,   /* not an option: target is a table whose options are included here */
} DistOptionKind;

/* Without a target, an option is accepted and has no effect. */
typedef struct {
    const char *name; /* without "--" */
    char letter;      /* 0: none */
    DistOptionKind kind;
    void *target;
    const char *help;  /* one phrase, translated when it is shown */
    const char *value; /* the name of the value in the help; NULL for an option without value */
    bool (*take)(const char *value, GError **error);
    /* All possible values, or NULL. Of a number: words that stand for -1. */
    const char *const *choices;
    const char *complete; /* the kind of value for the completion, if value does not say it */
} DistOption;

#define DIST_OPTION_END                                                                            \
    { .name = NULL }
#define DIST_OPTION_TITLE(title)                                                                   \
    { .name = "", .kind = DIST_OPTION_HEADING, .help = (title) }
#define DIST_OPTION_INCLUDE(table)                                                                 \
    { .name = "", .kind = DIST_OPTION_TABLE, .target = (void *)(table) }

/* Removes the options from argv, whose first element is the verb and which stays NULL-terminated.
 * strict: options end at the first argument. The second table may be NULL. */
bool dist_option_parse(const DistOption *table, const DistOption *common, bool strict, int *argc,
                       char **argv, GError **error);

/* Calls visit for each option and heading of a table, including those of included tables. */
typedef void (*DistOptionVisit)(const DistOption *option, void *userdata);
void dist_option_visit(const DistOption *table, DistOptionVisit visit, void *userdata);

/* Find an option, also in included tables; NULL if there is none. name has length bytes. */
const DistOption *dist_option_find(const DistOption *table, const char *name, size_t length);
const DistOption *dist_option_find_letter(const DistOption *table, char letter);

/* Whether the option takes a value. */
bool dist_option_has_value(const DistOption *option);

/* Reads the value of a flag; NULL means true. False, without error, if it is neither. */
bool dist_option_read_flag(const char *value, gboolean *flag);

/* Appends to the target of a DIST_OPTION_LIST. value is not copied. */
void dist_option_add_to_list(char ***list, char *value);
