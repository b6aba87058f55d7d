/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The network "container:NAME": a container joins the network and the users of another one of the
 * same owner, and has its /etc/hosts and /etc/resolv.conf. It can be started only while the other
 * runs, and keeps running without a network when the other ends (core/pod.h).
 */

#pragma once

#include "containers/core/part.h"

/* For Create: checks the other container, and sets the options that it determines. NotFound if it
 * does not exist or has another owner. */
bool berth_network_join(BerthContainers *containers, BerthCreateOptions *options, GError **error);

/* Checks that it is still the same. Called right before the record of the container is created,
 * with nothing asynchronous in between. */
bool berth_network_check_joined(BerthContainers *containers, const BerthCreateOptions *options,
                                GError **error);

/* For a start: copies the other's files about the network. */
bool berth_network_copy_files(const BerthContainer *container, GError **error);

/* Refuses to rename a container while others join its network. */
bool berth_network_permits(const BerthContainer *container, BerthAction action, GError **error);
