/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Describes a requested network for CNI's plugins, which create it if netavark is not installed. */

#pragma once

#include "network/request.h"

/* Makes a CNI configuration list: a bridge with fixed addresses, and the plugins for ports and
 * firewalld as far as they are needed. */
json_object *berth_bridge_make(const BerthNetworkRequest *request, GError **error);
