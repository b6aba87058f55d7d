/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kinds of unit files, by their suffix, and what follows from the name of a file. Of two kinds
 * systemd knows the form: they are passed on. */

#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum {
    BERTH_UNIT_CONTAINER,
    BERTH_UNIT_VOLUME,
    BERTH_UNIT_NETWORK,
    BERTH_UNIT_IMAGE,
    BERTH_UNIT_POD,
    BERTH_UNIT_KUBE,
    BERTH_UNIT_BUILD,
    BERTH_UNIT_ARTIFACT,
    BERTH_UNIT_SOCKET, /* systemd's own, beside the .container that it starts */
    BERTH_UNIT_TIMER,
    BERTH_UNIT_KINDS, /* none */
} BerthUnitKind;

typedef struct {
    const char *suffix;  /* with its dot */
    const char *section; /* that the kind has for itself */
    const char *service; /* added to the name of its service */
    const char *refused; /* why the kind is refused as a whole, or NULL */
} BerthUnitKindInfo;

extern const BerthUnitKindInfo berth_unit_kinds[BERTH_UNIT_KINDS];

BerthUnitKind berth_unit_kind_of(const char *name);

/* Whether the unit is the file itself, whose section is systemd's. */
bool berth_unit_kind_is_plain(BerthUnitKind kind);

/* A name of a unit without its suffix, "web" or "web@one" or "web@": its parts, "web" and "one".
 * instance is NULL without "@", and empty for a template. Either may be NULL. */
void berth_unit_name_split(const char *name, char **prefix, char **instance);

/* A name of a file without its suffix; and a name as a part of the name of a unit that systemd
 * makes of a path (systemd.unit(5), "String Escaping for Inclusion in Unit Names"). Caller frees.
 */
char *berth_unit_name_get_stem(const char *name);
char *berth_unit_name_escape(const char *name);

/* Whether systemd takes a name, with its suffix, for a unit. */
bool berth_unit_name_is_valid(const char *name);
