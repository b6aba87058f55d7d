/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiled filters on disk, so that a service that has just been started compiles none. */

#pragma once

#include "bare/setup.h"

/* The program that was stored under this key; NULL if there is none, or it is not as it was
 * written. The key is a text that names all on which the program depends. */
BerthFilterProgram *berth_filter_store_load(int directory, const char *key);

/* If it cannot be stored, it is compiled again the next time: no error. */
void berth_filter_store_save(int directory, const char *key, const BerthFilterProgram *program);
