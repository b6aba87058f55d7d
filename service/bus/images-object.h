/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Shared by the two interfaces for images: the collection (images-bus.c) and the object of each
 * name (image-bus.c). Members that both have share one handler (image-methods.c,
 * images-transfers.c), which reads the name from the object's path or from the first argument
 * (image-call.c).
 */

#pragma once

#include "bus/objects.h"

#define BERTH_IMAGES_PATH BERTH_BUS_ROOT "/images"
#define BERTH_IMAGE_INTERFACE "org.berth1.Image"

extern const BerthObjectKind berth_image_kind;

/* Reads the name that a call is about. The caller frees it. */
int berth_image_read_name(sd_bus_message *call, char **name);
/* Replies with the descriptor to which a name referred before; NULL if the name did not exist. */
int berth_image_reply_before(sd_bus_message *call, const BerthDescriptor *before);

/* in images-transfers.c */
int berth_images_bus_resolve(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_authenticate(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_search(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_fetch(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_pull(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_unpack(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_push(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_import(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_export(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* in image-methods.c */
int berth_images_bus_delete(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_delete_many(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_inspect(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_verify(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_describe(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_rename(sd_bus_message *call, void *userdata, sd_bus_error *error);
int berth_images_bus_mount(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* Replies with the properties of one image as a{sv}. */
int berth_image_object_reply(sd_bus_message *call, BerthService *service, const BerthViewer *viewer,
                             const char *name, sd_bus_error *error);

/* Signals to the watchers that a name is new, refers to another image, or has been removed. */
void berth_image_object_send_changed(BerthService *service, const char *name,
                                     BerthImageChange change, unsigned what);
/* Signals to the watchers that may see the container that an image of this name is now used by it,
 * or no longer. */
void berth_image_object_send_users_changed(BerthService *service, const BerthObject *container,
                                           const char *name);
