/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Networks by CNI (Container Network Interface, SPEC.md, versions 0.3 to 1.0): a network is a list
 * of plugins that an administrator wrote down in /etc/cni/net.d; each is a program that is told to
 * add or delete a container. What they answered is kept in networks/ID.json of the state directory
 * until it was undone, beside the container's own directory, which may go before that.
 */

#pragma once

#include "bare/setup.h"
#include "base/error.h"

/* Adds the container whose first process is pid to its network. What an earlier run left is undone
 * first. directory: the container's. */
bool berth_cni_add(const BerthSetup *setup, const char *id, pid_t pid, int directory,
                   GError **error);

/* Undoes it, if it was of this process. networks: where the state is. */
bool berth_cni_delete(const char *id, pid_t pid, int networks, GError **error);
