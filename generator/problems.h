/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The problems in the files of a set, with file and line. A file with an error yields no unit; a
 * warning changes nothing. Problems are listed in the order in which they were found.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum {
    BERTH_PROBLEM_WARNING,
    BERTH_PROBLEM_ERROR,
} BerthProblemKind;

typedef struct {
    BerthProblemKind kind;
    char *text; /* FILE:LINE: … */
    char *unit; /* that the file makes; NULL if it is not known */
} BerthProblem;

typedef struct {
    GPtrArray *list; /* of BerthProblem */
    unsigned errors;
} BerthProblems;

BerthProblems *berth_problems_new(void);
void berth_problems_free(BerthProblems *problems);

/* line 0 means the whole file. Returns false, so that callers can write "return
 * berth_problem_add(…)". */
bool berth_problem_add(BerthProblems *problems, BerthProblemKind kind, const char *file,
                       unsigned line, const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Sets the unit of all problems since the list had this length. */
void berth_problems_set_unit(BerthProblems *problems, unsigned since, const char *unit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthProblems, berth_problems_free)
