/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of options, and paths in containers, for the completion. */

#pragma once

#include "client/option.h"

typedef void (*DistOffer)(const char *text);

/* Offers the possible values of the option. Returns false if the values are listed by the service
 * or not known. */
bool dist_offer_values(const DistOption *option, DistOffer offer);

/* The shell inserts a word as it is offered, and others choose the names of images and of files in
 * containers: "$(command)" would run with the next Enter. A name that would need quoting is not
 * offered. */
bool dist_is_plain_word(const char *name);

/* word: "ID:PATH", as far as it has been typed. Offers all names in its directory, each as a whole
 * word. */
void dist_offer_container_files(const char *word, DistOffer offer);
