/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The methods of org.berth1.Contents that are defined outside contents-bus.c, which has the
 * vtable.
 */

#pragma once

#include "bus/service.h"

/* in contents-usage.c */
int berth_contents_bus_explain(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_contents_bus_usage(sd_bus_message *call, void *userdata, sd_bus_error *error);
/* in contents-ingests.c */
int berth_contents_bus_ingest(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_contents_bus_commit(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_contents_bus_status(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_contents_bus_list_ingests(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_contents_bus_abort(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_contents_bus_fetch_object(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_contents_bus_push_object(sd_bus_message *call, void *userdata, sd_bus_error *error);
