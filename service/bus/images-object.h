/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.berth1.Images that images-transfers.c has, for the vtable in images-bus.c. */

#pragma once

#include "bus/service.h"

int berth_images_bus_resolve(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_authenticate(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_fetch(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_pull(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_unpack(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_push(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_import(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_export(sd_bus_message *call, void *userdata, sd_bus_error *error);
