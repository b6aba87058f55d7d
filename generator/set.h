/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All unit files of a scope, which refer to each other by name, and the problems in them. */

#pragma once

#include "generator/service.h"
#include "generator/sources.h"

typedef struct {
    BerthUnitScope scope;
    char **directories;
    GPtrArray *sources; /* of BerthUnitSource */
    BerthProblems *problems;
    bool has_order; /* the edges of the sources have been made (order.h) */
} BerthUnitSet;

/* Reads the files in the scope's directories. */
BerthUnitSet *berth_unit_set_new(BerthUnitScope scope);
void berth_unit_set_free(BerthUnitSet *set);

/* Reads another file, which replaces one of the same name. NULL if it is masked or not a unit file.
 */
BerthUnitSource *berth_unit_set_add(BerthUnitSet *set, const char *path);

/* Names the services of all sources. No file is added afterwards, and none is converted before. */
void berth_unit_set_finish(BerthUnitSet *set);

/* The file with a name; NULL if there is none. */
BerthUnitSource *berth_unit_set_find(const BerthUnitSet *set, const char *name);

/* The name of the service of a file, which may be an instance of a template; NULL if there is no
 * such file. */
char *berth_unit_set_find_service(const BerthUnitSet *set, const char *name);
/* The same for the name of the object that it makes. The caller frees both. */
char *berth_unit_set_find_resource(const BerthUnitSet *set, const char *name);

/* The unit file that Pod= of a container names, which the caller frees; NULL without that key.
 * Specifiers of the name of its service are expanded: the pod of "web.container" may be "%N.pod".
 */
char *berth_unit_source_get_pod(const BerthUnitSource *source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthUnitSet, berth_unit_set_free)
