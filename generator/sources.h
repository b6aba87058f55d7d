/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit files in a set of directories: for each name, the file in the first directory that has
 * it, with the drop-ins of all directories. A link to /dev/null or an empty file masks a name, as
 * for systemd's own units.
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

/* A unit that starts earlier, and the line that says so; the set owns both. */
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
    char *service;       /* the name of its unit, including the suffix */
    /* the name of the container, volume, network or image; the path of a volume */
    char *resource;
    GPtrArray *after; /* of BerthUnitOrder (order.h); or NULL */
    bool failed;      /* it has an error, and yields no unit */
};

/* The directories in the order of their precedence; podman's only if its own generator is not
 * installed. BERTH_UNIT_DIRS in the environment replaces them. */
char **berth_unit_directories(BerthUnitScope scope);

/* Reads the files in the directories, sorted by name. */
GPtrArray *berth_unit_sources_read(char *const *directories, BerthProblems *problems);

/* Reads one file, named after the last component of its path, with the drop-ins in these
 * directories. */
BerthUnitSource *berth_unit_source_read(const char *path, char *const *directories,
                                        BerthProblems *problems);
void berth_unit_source_free(void *source);
