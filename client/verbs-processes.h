/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs about what runs in a container. */

#pragma once

#include "dist.h"

int dist_verb_exec(int argc, char **argv, GError **error);
int dist_verb_attach(int argc, char **argv, GError **error);
int dist_verb_checkpoint(int argc, char **argv, GError **error);
int dist_verb_pause(int argc, char **argv, GError **error);
int dist_verb_resume(int argc, char **argv, GError **error);
int dist_verb_update(int argc, char **argv, GError **error);
int dist_verb_top(int argc, char **argv, GError **error);
int dist_verb_stats(int argc, char **argv, GError **error);
int dist_verb_port(int argc, char **argv, GError **error);
int dist_verb_rename(int argc, char **argv, GError **error);
