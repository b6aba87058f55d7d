/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* System call filters: a profile in the form of the OCI runtime specification (config-linux.md,
 * seccomp), built with libseccomp. */

#pragma once

#include "base/error.h"

#include <seccomp.h>

/* Builds the filter of a profile's text. Calls that libseccomp does not know are skipped, since a
 * kernel may be newer than the profile's author or older. Released by the caller. */
scmp_filter_ctx berth_filter_build(const char *profile, size_t size, GError **error);

/* The default profile, from its file. */
scmp_filter_ctx berth_filter_build_default(GError **error);

/* The filter as the program the kernel takes: made beforehand, since that takes longer than loading
 * it. NULL with error. */
typedef struct BerthProgram BerthProgram;
BerthProgram *berth_filter_compile(scmp_filter_ctx filter, GError **error);

/* Loads it for this process and what it executes, for good. */
bool berth_program_load(const BerthProgram *program, GError **error);
