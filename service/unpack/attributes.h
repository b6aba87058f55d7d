/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes of files, of descriptors that are open for reading; path is for messages. */

#pragma once

#include "base/error.h"

/* Owner, mode, extended attributes but overlayfs' own, and times. */
bool berth_attributes_copy(int from, int to, const char *path, GError **error);
bool berth_attributes_copy_xattrs(int from, int to, const char *path, GError **error);

/* Whether a directory of a layer hides what lies below it. */
bool berth_attributes_is_opaque(int directory);
