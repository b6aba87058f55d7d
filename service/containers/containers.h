/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Containers, from Create to Delete. Each is a record in berth.db, a directory with its OCI runtime
 * configuration and its writable layer, and, while it is running, a systemd scope and a pidfd that
 * systemd keeps for the service. Whatever happens to a container is an event with a sequence
 * number.
 *
 * The folder has four layers: spec/ (options, privileges, the configuration), core/ (records,
 * processes, states), parts/ (everything else that belongs to a running container), and the files
 * here, which combine them. This header includes what most files of bus/ use of it.
 */

#pragma once

#include "containers/core/container.h"
#include "containers/core/pod.h"
#include "containers/core/recover.h"
#include "containers/core/table.h"
#include "containers/create.h"
#include "containers/inspect.h"
#include "containers/parts.h"
#include "containers/parts/checkpoint.h"
#include "containers/parts/configuration.h"
#include "containers/parts/health.h"
#include "containers/parts/network.h"
#include "containers/parts/oom.h"
#include "containers/parts/pods.h"
#include "containers/parts/ports.h"
#include "containers/parts/remove.h"
#include "containers/parts/rename.h"
#include "containers/parts/restart.h"
#include "containers/parts/stop.h"
#include "containers/parts/terminals.h"
#include "containers/processes.h"
#include "containers/quota.h"
#include "containers/spec/properties.h"
#include "containers/update.h"
