/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shows the progress of a transfer on standard error while dist waits for it. */

#pragma once

#include "client/bus.h"

/* The options of a verb that waits for transfers. */
extern const DistOption dist_progress_options[];

typedef struct DistProgressView DistProgressView;

/* Makes a view in the form that the options and the terminal call for. */
DistProgressView *dist_progress_view_new(void);
void dist_progress_view_free(DistProgressView *view);

/* Whether anything is to be shown. */
bool dist_progress_view_is_wanted(const DistProgressView *view);
/* Shows the contents of the signal Progress. */
void dist_progress_view_update(DistProgressView *view, sd_bus_message *signal);
