/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The symbolic links that the [Install] section of a unit file requests: systemctl(1) cannot enable
 * a generated unit.
 */

#pragma once

#include "generator/set.h"

typedef struct {
    char *path;   /* below the directory of units */
    char *target; /* relative to the link */
} BerthUnitLink;

/* A list of BerthUnitLink, without those that have a problem. */
GPtrArray *berth_unit_list_links(BerthUnitSet *set, const BerthUnitSource *source);
