/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --filter of "dist events", with podman's names. */

#pragma once

#include "client/option.h"

extern const DistOption dist_event_filter_options[];

/* Whether everything that was given has a known name and a valid value. */
bool dist_event_filter_check(GError **error);

/* Whether an event of a container is selected. Called for each event in turn, since a container is
 * only known as long as it exists. */
bool dist_event_filter_matches(const char *kind, const char *id);

/* The image of the container of the last event, or "" if it is not known. */
const char *dist_event_filter_get_image(const char *kind, const char *id);
