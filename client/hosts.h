/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * -H HOST[,HOST…]: dist for the service of other hosts. A bus connection over ssh cannot pass
 * descriptors; verbs that need them run on the host itself (DIST_VERB_THERE).
 */

#pragma once

#include "base/error.h"

/* The status is the same as for any failure of dist itself (DIST_EXIT_BERTH in settings.h, which
 * includes this file). */
enum { DIST_HOST_FAILURE = 125, DIST_MAX_HOSTS = 64 };

/* All words of the command line, before options are removed from it. The caller keeps ownership. */
void dist_hosts_set_words(int argc, char **argv);

/* Takes the value of -H; after that there is at least one host. */
bool dist_hosts_take(const char *value, GError **error);
const char *dist_hosts_get_first(void);

bool dist_hosts_are_several(void);

/* NULL-terminated. */
char *const *dist_hosts_get_all(void);

/* The words of the command line without -H. */
GPtrArray *dist_hosts_list_words(void);

/* A word of the command line, identified by its address, that is replaced for another host. */
typedef struct {
    const char *word;
    const char *instead; /* NULL: it is omitted, with the option whose value it is */
} DistWordReplacement;

/* Executes this command line with the dist of the host, in place of this process. Returns only with
 * error. */
int dist_host_run_there(GError **error);

/* The same in a child, with other standard streams (-1: this process's), and one word replaced. */
bool dist_host_run_with(DistWordReplacement changed, int input, int output, GError **error);

/* Runs dist with these arguments on the host. quiet: its messages are not shown. */
bool dist_host_call(const char *const *arguments, int input, int output, bool quiet,
                    GError **error);

/* In a child of fork(2): executes the program with these standard streams (-1: unchanged). */
void dist_host_exec(char *const *arguments, int input, int output, int says)
    __attribute__((noreturn));
