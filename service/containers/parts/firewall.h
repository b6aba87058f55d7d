/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Restores the rules of networks when the host's firewalld has discarded them. */
extern const BerthPart berth_firewall_part;

/* Restores them at an administrator's request, such as after all rules of the host were flushed,
 * which nothing announces. */
void berth_firewall_renew(BerthContainers *containers);
