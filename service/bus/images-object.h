/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shared by the two faces of images: the collection (images-bus.c, images-transfers.c) and the
 * object that each name has (image-bus.c). Methods of both are one handler, which takes the name
 * from the object's path or from the first argument. */

#pragma once

#include "bus/objects.h"

#define BERTH_IMAGES_PATH BERTH_BUS_ROOT "/images"
#define BERTH_IMAGE_INTERFACE "org.berth1.Image"

extern const BerthObjectKind berth_image_kind;

/* images-transfers.c */
int berth_images_bus_resolve(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_authenticate(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_fetch(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_pull(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_unpack(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_push(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_import(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_export(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* images-bus.c */
int berth_images_bus_delete(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_inspect(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_verify(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_describe(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_rename(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_mount(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* Replies with the properties of one image as a{sv}. */
int berth_image_object_reply(sd_bus_message *call, BerthService *service, const BerthViewer *viewer,
                             const char *name, sd_bus_error *error);

/* A name is new, stands for something else, or is gone: tells those who watch. */
void berth_image_object_tell(BerthService *service, const char *name, BerthImageChange change,
                             unsigned what);
