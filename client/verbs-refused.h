/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs of podman, docker and ctr that dist does not have, each with the reason. */

#pragma once

/* The reason, translated; NULL if the words, one or two with a blank between, are not such a verb.
 */
const char *dist_verb_find_reason(const char *words);
