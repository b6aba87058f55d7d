/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Running a worker's program as a template of workers (worker/worker-template.h), for its
 * main().
 */

#pragma once

#include <stdbool.h>

/* Whether berthd has started the program as a template. */
bool berth_template_is(int argc, char **argv);

/* Returns in each worker that is cloned, with the worker's descriptors at their usual numbers; in
 * the template itself, it does not return. Before the call, only initialisation that all workers
 * share may have been done. */
void berth_template_serve(void);
