/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* System call filters: a profile in the form of the OCI runtime specification (config-linux.md,
 * seccomp), built with libseccomp. */

#pragma once

#include "base/document.h"

#include <seccomp.h>

/* Builds the filter of a profile's text. Calls that libseccomp does not know are skipped, since a
 * kernel may be newer than the profile's author or older. kernel_flags are those of seccomp(2) that
 * it asks for. Released by the caller. */
scmp_filter_ctx berth_filter_build(const char *profile, size_t size, unsigned *kernel_flags,
                                   GError **error);
scmp_filter_ctx berth_filter_build_object(JsonObject *profile, unsigned *kernel_flags,
                                          GError **error);

/* The default profile, from its file. */
scmp_filter_ctx berth_filter_build_default(unsigned *kernel_flags, GError **error);

/* The filter as the program the kernel takes: made beforehand, since that takes longer than loading
 * it. NULL with error. */
typedef struct BerthProgram BerthProgram;
BerthProgram *berth_filter_compile(scmp_filter_ctx filter, unsigned kernel_flags, GError **error);

/* Loads it for this process and what it executes, for good. */
bool berth_program_load(const BerthProgram *program, GError **error);
