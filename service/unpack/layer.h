/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Converts a layer's tar stream to its tree: tar/reader.h reads the entries, tree.h writes them. */

#pragma once

#include "unpack/stream.h"
#include "unpack/tree.h"

/* Adds all entries of the stream to the tree, and finishes it unless it needs the layers below.
 * False with error; the stream may have more to read in any case. */
bool berth_layer_unpack(BerthStream *stream, BerthTree *tree, GError **error);
