/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Converts between libarchive's disk entries and members of a tar. */

#pragma once

#include "tar/entry.h"

#include <archive_entry.h>

void berth_copy_entry_to_tar(struct archive_entry *from, BerthTarEntry *to);
void berth_copy_entry_from_tar(const BerthTarEntry *from, struct archive_entry *to);
