/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tells the end of a container by its checkpoint from any other, which its restart policy is about.
 * The record notes when a checkpoint that will end the container begins. If the container has ended
 * and has a newer checkpoint, that was the reason: this holds whichever of the service, its helper
 * and the container ends first, and for the next instance of the service.
 */

#pragma once

#include "containers/core/object.h"

/* Notes in the database that a checkpoint that will end the container begins now. */
bool berth_checkpoint_end_note(BerthContainer *container, GError **error);

/* Removes the note from the record, without writing that to the database. */
void berth_checkpoint_end_forget(BerthContainer *container);

/* Whether the container, which has ended, was ended by its checkpoint. */
bool berth_checkpoint_end_is_reason(const BerthContainer *container);

/* When the checkpoint that a restore would use was completed, in µs; 0 if there is none. with_new:
 * if there is no other, one that berth-checkpoint has not renamed counts as well. */
uint64_t berth_checkpoint_end_find(const BerthContainer *container, bool with_new);
