/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* System call filters: a profile in the form of the OCI runtime specification (config-linux.md,
 * seccomp), built with libseccomp. */

#pragma once

#include "base/document.h"

#include <seccomp.h>

typedef struct {
    scmp_filter_ctx context; /* released by who has it */
    unsigned flags;          /* of seccomp(2), that the profile asks for */
    bool notifies;           /* some calls are answered by a listener, SCMP_ACT_NOTIFY */
} BerthFilter;

/* Builds the filter of a profile's text, for a process whose bounding set is capabilities. Calls
 * that libseccomp does not know are skipped, since a kernel may be newer than the profile's author
 * or older. Rules may have conditions, filter-conditions.h. */
bool berth_filter_build(const char *profile, size_t size, uint64_t capabilities,
                        BerthFilter *filter, GError **error);
bool berth_filter_build_object(JsonObject *profile, uint64_t capabilities, BerthFilter *filter,
                               GError **error);

/* The default profile, from its file. */
bool berth_filter_build_default(uint64_t capabilities, BerthFilter *filter, GError **error);

/* The filter as the program the kernel takes: made beforehand, since that takes longer than loading
 * it. NULL with error. */
typedef struct BerthProgram BerthProgram;
BerthProgram *berth_filter_compile(const BerthFilter *filter, GError **error);
bool berth_program_notifies(const BerthProgram *program);

/* Loads it for this process and what it executes, for good. listener: where it notifies, the
 * descriptor that answers. */
bool berth_program_load(const BerthProgram *program, int *listener, GError **error);
