/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes a tar: ustar, with an extended header (pax(1)) for what does not fit. Names are written as
 * bytes, unchanged.
 */

#pragma once

#include "tar/entry.h"

typedef struct BerthTarWriter BerthTarWriter;

/* The caller keeps output. */
BerthTarWriter *berth_tar_writer_new(int output);
void berth_tar_writer_free(BerthTarWriter *writer);

/* Writes a member's header; for a regular file, entry->size bytes of content follow. */
bool berth_tar_writer_add(BerthTarWriter *writer, const BerthTarEntry *entry, GError **error);
bool berth_tar_writer_write(BerthTarWriter *writer, const void *data, size_t size, GError **error);
bool berth_tar_writer_finish(BerthTarWriter *writer, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthTarWriter, berth_tar_writer_free)
