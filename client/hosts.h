/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * -H HOST[,HOST…]: dist for the service of other hosts. One connection to a bus over ssh passes no
 * descriptors; verbs that need them run on the host itself (DIST_VERB_THERE).
 */

#pragma once

#include "base/error.h"

/* The status is that of every failure of dist itself (DIST_EXIT_BERTH); settings.h includes this
 * file. */
enum { DIST_HOST_FAILURE = 125, DIST_MAX_HOSTS = 64 };

/* All words of the command line, before options are taken out of them. They stay the caller's. */
void dist_hosts_set_words(int argc, char **argv);

/* Takes the value of -H; then there is a first one. */
bool dist_hosts_take(const char *value, GError **error);
const char *dist_hosts_get_first(void);

bool dist_hosts_are_several(void);

/* NULL-terminated. */
char *const *dist_hosts_get_all(void);

/* The words of the command line without -H. */
GPtrArray *dist_hosts_list_words(void);

/* A word of the command line, by its address, that another host gets in another form. */
typedef struct {
    const char *word;
    const char *instead; /* NULL: it is left out, with the option whose value it is */
} DistWordReplacement;

/* Runs this command line with dist on the host, in place of this process. Returns only with error.
 */
int dist_host_run_there(GError **error);

/* The same as a child, with other standard streams (-1: these), and one word changed. */
bool dist_host_run_with(DistWordReplacement changed, int input, int output, GError **error);

/* Runs dist with these arguments on the host. quiet: what it says is not shown. */
bool dist_host_call(const char *const *arguments, int input, int output, bool quiet,
                    GError **error);

/* In a child of fork(2): executes the program with these standard streams (-1: as they are). */
void dist_host_exec(char *const *arguments, int input, int output, int says)
    __attribute__((noreturn));
