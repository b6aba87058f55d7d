/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs that were recorded but never began, because the service died in between. */

#pragma once

#include "containers/core/object.h"

/* Returns true if the container's first process, which has ended with this status, had never
 * received the go-ahead. The record says so from then on, until the next start; the caller writes
 * it. */
bool berth_container_note_unreleased(BerthContainer *container, int status);

/* For a start: what the record says of the last run no longer applies. The caller writes it. */
void berth_container_forget_unreleased(BerthContainer *container);

/* Sets an error and returns false if the last run of this process never began. */
bool berth_process_check_released(const BerthProcess *process, GError **error);
