/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unit file while it is converted, as the convert-*.c files see it. */

#pragma once

#include "generator/keys.h"
#include "generator/options.h"
#include "generator/set.h"

/* The installed program, or $BERTH_DIST. */
#define BERTH_DIST_PROGRAM "/usr/bin/dist"

typedef struct {
    const BerthUnitSet *set;
    BerthUnitSource *source;
    BerthProblems *problems;
    BerthService *service;
    const char *section; /* of the kind */
} BerthConversion;

/* Add the command of each kind, and what its own lines require in [Unit] and [Service]. */
void berth_convert_container(BerthConversion *conversion);
void berth_convert_volume(BerthConversion *conversion);
void berth_convert_network(BerthConversion *conversion);
void berth_convert_image(BerthConversion *conversion);
void berth_convert_pod(BerthConversion *conversion);
void berth_convert_build(BerthConversion *conversion);

/* Makes a unit that runs these words once and stays active. */
void berth_convert_oneshot(const BerthConversion *conversion, const GPtrArray *words);
/* AuthFile=: the credentials of registries. */
void berth_convert_auth_file(const BerthConversion *conversion);

/* What containers and pods share: the values of UserNS=, networks, volumes (convert-shared.c). */
void berth_convert_check_users(const BerthConversion *conversion);
void berth_convert_networks(const BerthConversion *conversion, GPtrArray *words);
void berth_convert_volumes(const BerthConversion *conversion, GPtrArray *words);
/* Mount=, which only containers have. */
void berth_convert_mounts(const BerthConversion *conversion, GPtrArray *words);
/* Sets the defaults of [Service] for containers and pods: the process acts as if it were dist's
 * child, so stopping and readiness are the unit's. identifier marks its output in the journal. */
void berth_convert_service(const BerthConversion *conversion, const char *identifier);

/* The pod of a container: its options and dependencies. */
void berth_convert_member(const BerthConversion *conversion, GPtrArray *words);
/* Its StopTimeout=, or else that of its pod, which the caller frees; NULL if there is neither. */
char *berth_convert_get_stop_timeout(const BerthConversion *conversion);

/* The proxy of a container that is started through a socket and stopped when there are no
 * connections, and the line of the socket that refers to it. */
void berth_convert_proxy(const BerthConversion *conversion);
void berth_convert_socket(BerthConversion *conversion);

/* The options for a container's secrets, which are credentials of its unit. */
void berth_convert_secrets(const BerthConversion *conversion, GPtrArray *words);

/* Begins a command of dist: GlobalArgs, followed by these words. */
GPtrArray *berth_conversion_new_command(const BerthConversion *conversion, const char *verb,
                                        ...) G_GNUC_NULL_TERMINATED;
void berth_conversion_add_option(GPtrArray *words, const char *option, const char *value);

/* The last value of a key in the kind's section; NULL if there is none. */
const BerthUnitLine *berth_conversion_find(const BerthConversion *conversion, const char *key);
char *berth_conversion_get(const BerthConversion *conversion, const char *key);
/* False if the key is missing. A value that is neither yes nor no is an error. */
bool berth_conversion_get_flag(const BerthConversion *conversion, const char *key);
/* Appends the words of one value. A quote that is not closed is a warning. */
void berth_conversion_split_line(const BerthConversion *conversion, const BerthUnitLine *line,
                                 GPtrArray *words);
/* All words of all values. */
GPtrArray *berth_conversion_get_words(const BerthConversion *conversion, const char *key);

/* Whether the value of a key is right for an option; otherwise adds an error that names both. */
bool berth_conversion_check_value(const BerthConversion *conversion, const BerthUnitLine *line,
                                  const char *option, const char *value);

/* The options from all keys that become options, followed by those of PodmanArgs. */
void berth_conversion_add_keys(const BerthConversion *conversion, BerthVerb verb, GPtrArray *words);

/* A path that may be relative to the file's directory; specifiers are kept. command_line: as for
 * berth_words_escape(). */
char *berth_conversion_resolve_path(const BerthConversion *conversion, const char *path,
                                    bool command_line);

/* Requires the service of another unit file, which may be an instance of a template, or in another
 * template the template itself. Returns the
 * name of the object that it makes, which the caller frees; NULL with an error if there is no such
 * file. */
char *berth_conversion_require(const BerthConversion *conversion, const BerthUnitLine *line,
                               const char *given);

/* Sets a key of [Service] unless the file does. */
void berth_conversion_set_default(const BerthConversion *conversion, const char *key,
                                  const char *value);

/* Adds "KEY= is not supported: reason" for the line. */
void berth_conversion_refuse(const BerthConversion *conversion, const BerthUnitLine *line,
                             const char *reason);
