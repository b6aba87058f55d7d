/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of containers in networks that Berth made. aardvark-dns serves them (berth-dns.service). */

#pragma once

#include "base/error.h"

/* Rewrites the names of all containers on a bridge from the documents in networks/, and starts,
 * reloads or stops the name server. except is a container that is leaving, or NULL. The caller
 * holds the lock for all bridges. */
bool berth_names_publish(int networks, const char *bridge, const char *except, GError **error);

/* Counts the containers on a bridge, except one. */
unsigned berth_names_count(int networks, const char *bridge, const char *except);
