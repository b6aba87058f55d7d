/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The words of a value as systemd splits them (systemd.syntax(7), "Quoting"). Specifiers ("%n") and
 * variables ("$HOME") are kept: systemd expands them in the unit that is written.
 */

#pragma once

#include <glib.h>
#include <stdbool.h>

/* Appends the words of text to the list, which frees them. False if a quote is not closed, which
 * then extends to the end of the text. */
bool berth_words_split(GPtrArray *words, const char *text);

/* The same for names of units: a backslash is part of a name ("dev-a\\x2db.device"), as systemd
 * reads it in [Unit] and [Install]. */
void berth_words_split_names(GPtrArray *words, const char *text);

/* Appends a word so that systemd reads the same word. */
void berth_words_append(GString *text, const char *word);

/* A text that systemd does not expand: "%" and, for a command line, "$" are doubled. */
char *berth_words_escape(const char *text, bool command_line);
