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
