/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The problems in the files of a set, with file and line. A file with an error yields no unit; a
 * warning changes nothing. Problems are listed in the order in which they were found, those of one
 * conversion in that of their lines.
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
    char *text;  /* FILE:LINE: … */
    char *file;  /* the unit file that it is about, also if the text names a drop-in; or NULL */
    char *place; /* the file that the text names */
    unsigned line;
} BerthProblem;

typedef struct {
    GPtrArray *list; /* of BerthProblem */
    unsigned errors;
    const char *file; /* the unit file that is being read or converted; NULL if there is none */
} BerthProblems;

BerthProblems *berth_problems_new(void);
void berth_problems_free(BerthProblems *problems);

/* line 0 means the whole file. Returns false, so that callers can write "return
 * berth_problem_add(…)". */
bool berth_problem_add(BerthProblems *problems, BerthProblemKind kind, const char *file,
                       unsigned line, const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Sorts the problems since the list had this length by file and line. */
void berth_problems_sort(BerthProblems *problems, unsigned since);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthProblems, berth_problems_free)
