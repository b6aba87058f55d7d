/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker's program as a template of workers (worker/worker-template.h), for its main(). */

#pragma once

#include <stdbool.h>

/* Whether berthd has started the program as one. */
bool berth_template_is(int argc, char **argv);

/* Returns in each worker that is cloned, with its descriptors where a worker has them; the template
 * itself ends in here. Nothing may have been done before but what is the same for all of them. */
void berth_template_serve(void);
