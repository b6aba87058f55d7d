/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A unit file as a list of its assignments in order, each with its file and line
 * (systemd.syntax(7)). Drop-ins are read into the same object, after the file that they extend.
 * Nothing but comments is lost: what is meant for systemd is passed on as it was written.
 */

#pragma once

#include "generator/problems.h"

#include <stddef.h>

enum {
    BERTH_UNIT_MAX_BYTES = 1024 * 1024,
    BERTH_UNIT_MAX_LINES = 16384,
};

typedef struct {
    const char *file; /* path, and number of the first of its lines */
    unsigned line;
    const char *section;
    const char *key; /* NULL: the section begins here */
    const char *value;
} BerthUnitLine;

typedef struct {
    GPtrArray *lines; /* of BerthUnitLine */
    GStringChunk *texts;
} BerthUnitFile;

BerthUnitFile *berth_unit_file_new(void);
void berth_unit_file_free(BerthUnitFile *file);

/* Adds the assignments in a text. Errors are added to problems; false if there are any. */
bool berth_unit_file_parse(BerthUnitFile *file, const char *path, const char *text, size_t size,
                           BerthProblems *problems);

/* The line that first begins a section; NULL if the file has no such section. */
const BerthUnitLine *berth_unit_file_find_section(const BerthUnitFile *file, const char *section);

/* The last assignment of a key; NULL if there is none, or if it is empty, which resets the key. */
const BerthUnitLine *berth_unit_file_find(const BerthUnitFile *file, const char *section,
                                          const char *key);

/* Whether the last assignment of a key is empty. */
bool berth_unit_file_resets(const BerthUnitFile *file, const char *section, const char *key);

/* All assignments after the last empty one. */
GPtrArray *berth_unit_file_list(const BerthUnitFile *file, const char *section, const char *key);

/* The value without quotes that enclose all of it. */
char *berth_unit_line_get_text(const BerthUnitLine *line);

/* Parses yes, no and so on, as systemd does. */
bool berth_unit_line_get_boolean(const BerthUnitLine *line, bool *value);

#define berth_unit_line_error(problems, at, ...)                                                   \
    berth_problem_add(problems, BERTH_PROBLEM_ERROR, (at)->file, (at)->line, __VA_ARGS__)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthUnitFile, berth_unit_file_free)
