/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/container.h"

/* Changes limits, both for now and for later starts. changed is an a{sv} of properties that
 * berth_container_property_get_type() knows, with the types it returns. */
void berth_container_update(BerthContainer *container, GVariant *changed, BerthContainerDone done,
                            void *userdata);
