/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * -H HOST[,HOST…]: dist for the service of other hosts. One connection to a bus over ssh passes no
 * descriptors; verbs that need them run on the host itself (DIST_VERB_THERE).
 */

#pragma once

#include "base/error.h"

/* All words of the command line, before options are taken out of them. They stay the caller's. */
void dist_hosts_set_words(int argc, char **argv);

/* Takes the value of -H; then there is a first one. */
bool dist_hosts_take(const char *value, GError **error);
const char *dist_hosts_get_first(void);

bool dist_hosts_are_several(void);

/* Runs this command line for each of several hosts at once, with the host before each line. Returns
 * the worst exit status. */
int dist_hosts_run_each(GError **error);

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
