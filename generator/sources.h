/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit files of a set of directories: for each name the file of the directory that comes first,
 * with the drop-ins of all directories. A link to /dev/null or an empty file masks a name, as for
 * systemd's own units.
 */

#pragma once

#include "generator/kinds.h"
#include "generator/unit-file.h"

enum {
    BERTH_UNIT_MAX_FILES = 4096,
    BERTH_UNIT_MAX_DROP_INS = 256,
    BERTH_UNIT_MAX_DEPTH = 8,
    BERTH_UNIT_MAX_DIRECTORIES = 4096,
};

typedef enum {
    BERTH_UNITS_SYSTEM,
    BERTH_UNITS_USER,
} BerthUnitScope;

typedef struct BerthUnitSource BerthUnitSource;

/* A unit that starts earlier, and the line that says so; both are the set's. */
typedef struct {
    BerthUnitSource *source;
    const BerthUnitLine *line;
} BerthUnitOrder;

struct BerthUnitSource {
    char *name; /* "web@one.container" */
    char *path;
    BerthUnitKind kind;
    BerthUnitFile *file; /* empty if it could not be read */
    GPtrArray *drop_ins; /* paths, in the order in which they were read */
    char *service;       /* name of its unit, with the suffix */
    char *resource;      /* name of the container, volume, network or image; path of a volume */
    GPtrArray *after;    /* of BerthUnitOrder (order.h); NULL for none */
    bool failed;         /* it has an error, and yields no unit */
};

/* The directories in the order of their precedence; those of podman only if its own generator is
 * not installed. BERTH_UNIT_DIRS in the environment replaces them. */
char **berth_unit_directories(BerthUnitScope scope);

/* Reads the files of the directories into the list, in the order of their names. */
GPtrArray *berth_unit_sources_read(char *const *directories, BerthProblems *problems);

/* Reads one file of the name that its path has, with drop-ins of these directories. */
BerthUnitSource *berth_unit_source_read(const char *path, char *const *directories,
                                        BerthProblems *problems);
void berth_unit_source_free(void *source);
