/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * System call filters: builds them with libseccomp from a profile in the form of the OCI runtime
 * specification (config-linux.md, seccomp).
 */

#pragma once

#include "bare/setup.h"
#include "base/error.h"

#include "config.h"

#include <seccomp.h>

#define BERTH_DEFAULT_PROFILE BERTH_DATADIR "/seccomp-default.json"

typedef struct {
    scmp_filter_ctx context; /* released by the owner of this structure */
    unsigned flags;          /* for seccomp(2), as requested by the profile */
    bool notifies;           /* a listener decides about some calls (SCMP_ACT_NOTIFY) */
} BerthFilter;

/* Builds a filter from the text of a profile, for a process whose bounding set is capabilities.
 * Calls that libseccomp does not know are skipped, since a profile may have been written for a
 * newer or older kernel. Rules may have conditions (filter-conditions.h). */
bool berth_filter_build(const char *profile, size_t size, uint64_t capabilities,
                        BerthFilter *filter, GError **error);

/* The same for the default profile, which is read from its file. */
bool berth_filter_build_default(uint64_t capabilities, BerthFilter *filter, GError **error);

/* Compiles a filter into a program for the kernel. Returns NULL with error. The socket and the
 * state for a listener are not part of it. */
BerthFilterProgram *berth_filter_compile(const BerthFilter *filter, GError **error);
void berth_filter_program_free(BerthFilterProgram *program);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthFilterProgram, berth_filter_program_free)
