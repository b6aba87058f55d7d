/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Converts a layer's tar stream to its tree: tar/reader.h reads the entries, tree.h writes them. */

#pragma once

#include "unpack/stream.h"
#include "unpack/tree.h"

bool berth_layer_unpack(BerthStream *stream, BerthTree *tree, GError **error);
