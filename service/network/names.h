/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of containers in networks that Berth made, which aardvark-dns serves (berth-dns.service).
 */

#pragma once

#include "base/error.h"

/* Writes the names of all containers on a bridge again, as networks/ has them, and starts, reloads
 * or stops the name server. except: a container that leaves; NULL. The caller holds the lock of all
 * bridges. */
bool berth_names_publish(int networks, const char *bridge, const char *except, GError **error);

/* The containers on a bridge, except one. */
unsigned berth_names_count(int networks, const char *bridge, const char *except);
