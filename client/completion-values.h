/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of options and paths in containers, for the completion. */

#pragma once

#include "client/option.h"

typedef void (*DistOffer)(const char *text);

/* Offers what the option may be given. What the service lists is not among it: false for those, and
 * for options whose values are not known. */
bool dist_offer_values(const DistOption *option, DistOffer offer);

/* word: "ID:PATH" as far as it is typed. Offers all of a directory, each as a whole word. */
void dist_offer_container_files(const char *word, DistOffer offer);
