/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The list of problems of a set of unit files; it belongs to the caller that reads the files. Its
 * length is bounded: a file full of nonsense must not fill the kernel's log at boot.
 */

#include "generator/problems.h"

#include "generator/translate.h"

#include <string.h>

enum { MAX_PROBLEMS = 500 };

static void problem_free(void *pointer) {
    BerthProblem *problem = pointer;

    g_free(problem->text);
    g_free(problem->file);
    g_free(problem->place);
    g_free(problem);
}

BerthProblems *berth_problems_new(void) {
    BerthProblems *problems = g_new0(BerthProblems, 1);

    problems->list = g_ptr_array_new_with_free_func(problem_free);
    return problems;
}

void berth_problems_free(BerthProblems *problems) {
    if (!problems)
        return;
    g_ptr_array_unref(problems->list);
    g_free(problems);
}

/* Always returns false, for callers to return. Errors are counted even if they are no longer
 * listed. */
bool berth_problem_add(BerthProblems *problems, BerthProblemKind kind, const char *file,
                       unsigned line, const char *format, ...) {
    va_list arguments;

    problems->errors += kind == BERTH_PROBLEM_ERROR;
    if (problems->list->len >= MAX_PROBLEMS)
        return false;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    BerthProblem *problem = g_new0(BerthProblem, 1);
    problem->kind = kind;
    problem->file = g_strdup(problems->file);
    problem->place = g_strdup(file);
    problem->line = line;
    if (problems->list->len == MAX_PROBLEMS - 1)
        problem->text = g_strdup_printf(_("%s: too many problems; the rest is not shown"), file);
    else if (line > 0)
        problem->text = g_strdup_printf("%s:%u: %s", file, line, text);
    else
        problem->text = g_strdup_printf("%s: %s", file, text);
    g_ptr_array_add(problems->list, problem);
    return false;
}

static int compare_places(const void *first, const void *second, void *unused) {
    const BerthProblem *const *a = first, *const *b = second;
    int order = strcmp((*a)->place, (*b)->place);

    (void)unused;
    return order != 0 ? order : (*a)->line < (*b)->line ? -1 : (*a)->line > (*b)->line;
}

/* Stable: the problems of one line keep their order. */
void berth_problems_sort(BerthProblems *problems, unsigned since) {
    guint count = problems->list->len;

    if (since < count)
        g_qsort_with_data(problems->list->pdata + since, (int)(count - since), sizeof(void *),
                          compare_places, NULL);
}
