/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of options, and paths in containers, for the completion. */

#pragma once

#include "client/option.h"

typedef void (*DistOffer)(const char *text);

/* Offers the possible values of the option. Returns false if the values are listed by the service
 * or not known. */
bool dist_offer_values(const DistOption *option, DistOffer offer);

/* word: "ID:PATH", as far as it has been typed. Offers all names in its directory, each as a whole
 * word. */
void dist_offer_container_files(const char *word, DistOffer offer);
