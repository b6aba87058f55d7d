/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The output of --help, generated from the tables of verbs and options. */

#pragma once

#include "client/verb.h"

/* "dist --help". */
void dist_help_print_all(void);

/* "dist VERB --help"; path: the words before the verb's name, each followed by a blank. */
void dist_help_print_verb(const DistVerb *verb, const char *path);

/* "dist content --help": the verbs of a verb. */
void dist_help_print_inner(const DistVerb *verb);

/* "dist image --help": the aliases that begin with this word. */
void dist_help_print_aliases(const char *word);

/* "-m, --memory=BYTES". The caller frees it. */
char *dist_help_format_option(const DistOption *option);
