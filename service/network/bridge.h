/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The network of a request as CNI's plugins make it, if netavark is not installed. */

#pragma once

#include "network/request.h"

/* A list of configurations: a bridge with fixed addresses, and the plugins for ports and firewalld
 * as far as they are needed. */
JsonNode *berth_bridge_make(const BerthNetworkRequest *request, GError **error);
