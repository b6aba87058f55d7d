/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* System call filters: a profile in the form of the OCI runtime specification (config-linux.md,
 * seccomp), built with libseccomp. */

#pragma once

#include "bare/setup.h"
#include "base/error.h"

#include "config.h"

#include <seccomp.h>

#define BERTH_DEFAULT_PROFILE BERTH_DATADIR "/seccomp-default.json"

typedef struct {
    scmp_filter_ctx context; /* released by its holder */
    unsigned flags;          /* of seccomp(2), that the profile asks for */
    bool notifies;           /* some calls are answered by a listener, SCMP_ACT_NOTIFY */
} BerthFilter;

/* Builds the filter of a profile's text, for a process whose bounding set is capabilities. Calls
 * that libseccomp does not know are skipped, since a kernel may be newer than the profile's author
 * or older. Rules may have conditions, filter-conditions.h. */
bool berth_filter_build(const char *profile, size_t size, uint64_t capabilities,
                        BerthFilter *filter, GError **error);

/* The default profile, from its file. */
bool berth_filter_build_default(uint64_t capabilities, BerthFilter *filter, GError **error);

/* The filter as the program that the kernel takes; NULL with error. The socket and the state of a
 * listener are not part of it. */
BerthFilterProgram *berth_filter_compile(const BerthFilter *filter, GError **error);
void berth_filter_program_free(BerthFilterProgram *program);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthFilterProgram, berth_filter_program_free)
