/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs: each returns the exit status, with error set on failure. */

#pragma once

#include "options.h"

/* verbs-run.c */
int runtime_verb_create(RuntimeOptions *options, GError **error);
int runtime_verb_run(RuntimeOptions *options, GError **error);
int runtime_verb_start(RuntimeOptions *options, GError **error);
int runtime_verb_restore(RuntimeOptions *options, GError **error);
/* verbs-exec.c */
int runtime_verb_exec(RuntimeOptions *options, GError **error);
/* verbs-change.c */
int runtime_verb_kill(RuntimeOptions *options, GError **error);
int runtime_verb_delete(RuntimeOptions *options, GError **error);
int runtime_verb_pause(RuntimeOptions *options, GError **error);
int runtime_verb_resume(RuntimeOptions *options, GError **error);
int runtime_verb_checkpoint(RuntimeOptions *options, GError **error);
/* verbs-update.c */
int runtime_verb_update(RuntimeOptions *options, GError **error);
/* verbs-show.c */
int runtime_verb_state(RuntimeOptions *options, GError **error);
int runtime_verb_list(RuntimeOptions *options, GError **error);
int runtime_verb_ps(RuntimeOptions *options, GError **error);
/* verbs-events.c */
int runtime_verb_events(RuntimeOptions *options, GError **error);
/* features.c, spec.c */
int runtime_verb_features(RuntimeOptions *options, GError **error);
int runtime_verb_spec(RuntimeOptions *options, GError **error);
