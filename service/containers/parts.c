/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All parts of containers, in the order in which the core calls them at every point of a
 * container's life (core/part.h). A comment above a row gives the reason for its position; rows
 * without one may be anywhere.
 */

#include "containers/parts.h"

#include "containers/core/table.h"
#include "containers/parts/checkpoint.h"
#include "containers/parts/configuration.h"
#include "containers/parts/copy.h"
#include "containers/parts/disk.h"
#include "containers/parts/firewall.h"
#include "containers/parts/frozen.h"
#include "containers/parts/health.h"
#include "containers/parts/helper.h"
#include "containers/parts/logging.h"
#include "containers/parts/logs.h"
#include "containers/parts/machines.h"
#include "containers/parts/made-networks.h"
#include "containers/parts/network.h"
#include "containers/parts/oom.h"
#include "containers/parts/pinned.h"
#include "containers/parts/pods.h"
#include "containers/parts/ports.h"
#include "containers/parts/provisional.h"
#include "containers/parts/remove.h"
#include "containers/parts/rename.h"
#include "containers/parts/restart.h"
#include "containers/parts/still.h"
#include "containers/parts/stop.h"
#include "containers/parts/terminals.h"
#include "containers/parts/volumes.h"

static const BerthPart *const parts[] = {
    /* Permission: a container that is being removed permits nothing else, so this part answers
     * first. Exited: a container that removes itself must not be restarted. */
    &berth_remove_part,
    &berth_helpers_part,
    &berth_checkpoint_part,
    /* Starting: any start replaces a scheduled restart, even if it fails further down. */
    &berth_restart_part,
    /* Exiting: the SIGKILL that a stop has scheduled must not hit a later run. */
    &berth_stop_part,
    /* Recording: from now on it does not matter whether the creator disconnects, and the record
     * that is written with the start says so. */
    &berth_provisional_part,
    &berth_terminals_part,
    /* Exited: the network is disconnected while the ports are still reserved. */
    &berth_network_part,
    &berth_ports_part,
    &berth_firewall_part,
    /* Starting: after every part that may refuse, so that a refused start leaves no fields
     * behind. */
    &berth_logging_part,
    &berth_logs_part,
    /* Recording: before the command runs, since it may be killed before its start is reported.
     * Exiting: the cause of a kill is an event that precedes the exit. */
    &berth_oom_part,
    /* Recovered: before the parts that ask whether the container is paused. */
    &berth_frozen_part,
    &berth_health_part,
    &berth_machines_part,
    /* Swept: interrupted renames are completed before directories without a container are
     * removed. */
    &berth_rename_part,
    &berth_volumes_part,
    &berth_made_networks_part,
    &berth_pinned_part,
    &berth_configuration_part,
    &berth_copy_part,
    &berth_still_part,
    &berth_disk_part,
    /* Exited: by then, a restart has been scheduled or a removal has begun. */
    &berth_pods_part,
    NULL,
};

BerthContainers *berth_containers_new(sd_bus *bus, int directory, BerthImages *images,
                                      GError **error) {
    return berth_containers_new_with_parts(bus, directory, images, parts, error);
}
