/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --filter NAME=VALUE of listings, with podman's names. */

#pragma once

#include "client/bus.h"

typedef enum {
    DIST_FILTER_TEXT,     /* a property that equals the text; * and ? are wildcards */
    DIST_FILTER_PART,     /* a property that contains the text */
    DIST_FILTER_PREFIX,   /* a property that begins with the text */
    DIST_FILTER_IMAGE,    /* a property that is this image, completed as for pull */
    DIST_FILTER_LABEL,    /* KEY, or KEY=VALUE */
    DIST_FILTER_MEMBER,   /* a list that contains the text */
    DIST_FILTER_STATUS,   /* an exit status */
    DIST_FILTER_REPEATED, /* as DIST_FILTER_ADDITION, and may be given several times */
    DIST_FILTER_ADDITION, /* not sent to the service; read with dist_filter_find() */
} DistFilterKind;

typedef struct {
    const char *name; /* as in --filter; NULL at the end */
    const char *property;
    DistFilterKind kind;
    /* Values that are called differently: podman's, Berth's, …, NULL. */
    const char *const *values;
} DistFilterName;

/* What was given; for options with the same meaning under other names. */
extern char **dist_filters_given;

/* The option, to be included in a verb's options. */
extern const DistOption dist_filter_options[];

/* Whether everything that was given has a known name and a valid value. */
bool dist_filter_check(const DistFilterName *names, GError **error);
/* Additional filters, from options of the verb itself. */
typedef struct {
    const char *pattern; /* of the property Name; or NULL */
    char *const *labels; /* KEY[=VALUE]; or NULL */
} DistExtraFilters;

/* Appends the option Filter of a listing; more may be NULL. */
int dist_filter_append(sd_bus_message *call, const DistFilterName *names,
                       const DistExtraFilters *more);
/* The value given for this name, or NULL. */
const char *dist_filter_find(const char *name);
/* All values given for this name. They belong to the command line; the caller frees the list. */
GPtrArray *dist_filter_find_all(const char *name);
