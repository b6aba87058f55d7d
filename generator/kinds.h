/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kinds of unit files, by suffix, and what follows from a file's name. Two kinds are plain
 * systemd units and passed on.
 */

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
    BERTH_UNIT_LOGIN,
    BERTH_UNIT_SOCKET, /* a systemd unit beside the .container that it starts */
    BERTH_UNIT_TIMER,
    BERTH_UNIT_KINDS, /* not a unit file */
} BerthUnitKind;

typedef struct {
    const char *suffix;  /* including the dot */
    const char *section; /* the section that only this kind has */
    const char *service; /* appended to the name of its service */
    const char *refused; /* why the whole kind is refused, or NULL */
} BerthUnitKindInfo;

extern const BerthUnitKindInfo berth_unit_kinds[BERTH_UNIT_KINDS];

/* The kind of a file by its suffix; BERTH_UNIT_KINDS if it is not a unit file. */
BerthUnitKind berth_unit_kind_of(const char *name);

/* Whether the unit is the file itself, with systemd's own section. */
bool berth_unit_kind_is_plain(BerthUnitKind kind);

/* Splits a unit name without suffix, such as "web", "web@one" or "web@", at the "@". instance is
 * NULL without "@", and empty for a template. Either output may be NULL. */
void berth_unit_name_split(const char *name, char **prefix, char **instance);

/* The name of a file without its suffix; and a name escaped for use in a unit name
 * (systemd.unit(5), "String Escaping for Inclusion in Unit Names"). The caller frees them. */
char *berth_unit_name_get_stem(const char *name);
char *berth_unit_name_escape(const char *name);

/* Whether systemd accepts a name, including its suffix, as that of a unit. */
bool berth_unit_name_is_valid(const char *name);
