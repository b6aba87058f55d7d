/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiled filters on disk, so that a freshly started service does not have to compile any. */

#pragma once

#include "bare/setup.h"

/* Loads the program stored under this key. Returns NULL if there is none, or it has been damaged.
 * The key is text that identifies everything on which the program depends. */
BerthFilterProgram *berth_filter_store_load(int directory, const char *key);

/* A failure is not an error: the program is then compiled again the next time. */
void berth_filter_store_save(int directory, const char *key, const BerthFilterProgram *program);
