/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of -H and -M that the completion offers. */

#pragma once

#include "client/completion-values.h"

/* typed: the value, as far as it has been typed. */
void dist_offer_hosts(const char *typed, DistOffer offer);
void dist_offer_machines(const char *typed, DistOffer offer);
