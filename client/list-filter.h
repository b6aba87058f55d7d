/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --filter NAME=VALUE of listings, with podman's names. */

#pragma once

#include "client/bus.h"

typedef enum {
    DIST_FILTER_TEXT,     /* a property that is this text; * and ? are wildcards */
    DIST_FILTER_PART,     /* one that has this text in it */
    DIST_FILTER_PREFIX,   /* one that begins with it */
    DIST_FILTER_IMAGE,    /* one that is this image, completed as for pull */
    DIST_FILTER_LABEL,    /* KEY, or KEY=VALUE */
    DIST_FILTER_MEMBER,   /* a list that has this text */
    DIST_FILTER_STATUS,   /* an exit status */
    DIST_FILTER_ADDITION, /* not for the service: dist_filter_find() has it */
} DistFilterKind;

typedef struct {
    const char *name; /* as --filter has it; NULL at the end */
    const char *property;
    DistFilterKind kind;
    /* Other names of values: theirs, Berth's, …, NULL. */
    const char *const *values;
} DistFilterName;

/* The option; a part of the options of a verb. */
extern const DistOption dist_filter_options[];

/* Whether all that was given has a known name, and a value of its kind. */
bool dist_filter_check(const DistFilterName *names, GError **error);
/* Further filters of a verb, from options of its own. */
typedef struct {
    const char *pattern; /* of the property Name; NULL */
    char *const *labels; /* KEY[=VALUE]; NULL */
} DistExtraFilters;

/* Appends the option Filter of a listing; more may be NULL. */
int dist_filter_append(sd_bus_message *call, const DistFilterName *names,
                       const DistExtraFilters *more);
/* The value that was given under this name; NULL. */
const char *dist_filter_find(const char *name);
