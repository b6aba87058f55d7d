/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One object of a push: a blob or a document on its way from the store to a registry. */

#pragma once

#include "remotes/remote-session.h"
#include "store/content-store.h"
#include "transfers/transfer.h"

typedef enum {
    BERTH_PUSH_BLOB,
    BERTH_PUSH_DOCUMENT, /* a manifest or an index, by its digest */
    BERTH_PUSH_TARGET,   /* the document that gets the reference's name */
} BerthPushObjectKind;

typedef struct {
    BerthContentStore *store;
    BerthRemoteSession *session;
    uint32_t owner;          /* the user who pushes */
    BerthTransferItem *item; /* shows the progress */
    const BerthDescriptor *descriptor;
    BerthPushObjectKind kind;
    char *const *sources; /* of a blob: repositories of the registry that may have it; or NULL */
} BerthPushObjectRequest;

typedef struct BerthPushObject BerthPushObject;

/* Called once, with the registry's answer; the object still belongs to its owner. */
typedef void (*BerthPushObjectDone)(BerthPushObject *object, const GError *error, void *userdata);

/* Starts to send the object. Returns NULL with error set if that fails immediately. */
BerthPushObject *berth_push_object_new(const BerthPushObjectRequest *request,
                                       BerthPushObjectDone done, void *userdata, GError **error);
void berth_push_object_free(BerthPushObject *object);
