/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file that is being converted, as the kinds' own files see it. */

#pragma once

#include "generator/keys.h"
#include "generator/options.h"
#include "generator/set.h"

/* The program as it is installed, or $BERTH_DIST. */
#define BERTH_DIST_PROGRAM "/usr/bin/dist"

typedef struct {
    const BerthUnitSet *set;
    BerthUnitSource *source;
    BerthProblems *problems;
    BerthService *service;
    const char *section; /* of the kind */
} BerthConversion;

/* The command of each kind, and what the kind's own lines need in [Unit] and [Service]. */
void berth_convert_container(BerthConversion *conversion);
void berth_convert_volume(BerthConversion *conversion);
void berth_convert_network(BerthConversion *conversion);
void berth_convert_image(BerthConversion *conversion);
void berth_convert_pod(BerthConversion *conversion);
void berth_convert_build(BerthConversion *conversion);

/* A unit that runs these words once, and stays active. */
void berth_convert_oneshot(const BerthConversion *conversion, const GPtrArray *words);
/* AuthFile=: the credentials of registries. */
void berth_convert_auth_file(const BerthConversion *conversion);

/* What containers and pods have in common: the values of UserNS=, networks, volumes. */
void berth_convert_check_users(const BerthConversion *conversion);
void berth_convert_networks(const BerthConversion *conversion, GPtrArray *words);
void berth_convert_volumes(const BerthConversion *conversion, GPtrArray *words);
/* Their process is dist's child in all but name: it ends, and reports, as the unit wants it. */
void berth_convert_service(const BerthConversion *conversion);

/* The pod of a container: its options and dependencies. */
void berth_convert_member(const BerthConversion *conversion, GPtrArray *words);

/* The proxy of a container that is started by a socket and stopped when nothing is connected, and
 * the socket's line about it. */
void berth_convert_proxy(const BerthConversion *conversion);
void berth_convert_socket(BerthConversion *conversion);

/* The options of a container's secrets, which are credentials of its unit. */
void berth_convert_secrets(const BerthConversion *conversion, GPtrArray *words);

/* A command of dist: GlobalArgs, and then these words. */
GPtrArray *berth_conversion_new_command(const BerthConversion *conversion, const char *verb,
                                        ...) G_GNUC_NULL_TERMINATED;
void berth_conversion_add_option(GPtrArray *words, const char *option, const char *value);

/* The last value of a key of the kind's section; NULL if there is none. */
const BerthUnitLine *berth_conversion_find(const BerthConversion *conversion, const char *key);
char *berth_conversion_get(const BerthConversion *conversion, const char *key);
/* False if there is none. One that is neither yes nor no is an error. */
bool berth_conversion_get_flag(const BerthConversion *conversion, const char *key);
/* All words of all values. */
GPtrArray *berth_conversion_get_words(const BerthConversion *conversion, const char *key);

/* The options of all keys that become options, then those of PodmanArgs. */
void berth_conversion_add_keys(const BerthConversion *conversion, BerthVerb verb, GPtrArray *words);

/* A path that may be relative to the file's directory; specifiers stay. command_line: as
 * berth_words_escape(). */
char *berth_conversion_resolve_path(const BerthConversion *conversion, const char *path,
                                    bool command_line);

/* Requires another unit file's service. Returns the name of what it makes; NULL with an error if
 * there is no such file. */
const char *berth_conversion_require(const BerthConversion *conversion, const BerthUnitLine *line,
                                     const char *name);

/* Sets a key of [Service] unless the file does. */
void berth_conversion_set_default(const BerthConversion *conversion, const char *key,
                                  const char *value);

/* "KEY= is not supported: reason", at the line. */
void berth_conversion_refuse(const BerthConversion *conversion, const BerthUnitLine *line,
                             const char *reason);
