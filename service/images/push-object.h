/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One object of a push: a blob or a document on its way from the store to a registry. */

#pragma once

#include "remotes/remote-session.h"
#include "store/content-store.h"
#include "transfers/transfer.h"

typedef struct {
    BerthContentStore *store;
    BerthRemoteSession *session;
    BerthTransferItem *item; /* shows the progress */
    const BerthDescriptor *descriptor;
    bool is_document;     /* manifest or index */
    bool is_target;       /* the document that gets the reference's name */
    char *const *sources; /* repositories of the registry that may have the blob; may be NULL */
} BerthPushObjectRequest;

typedef struct BerthPushObject BerthPushObject;

/* Called once, with the registry's answer; the object still belongs to its owner. */
typedef void (*BerthPushObjectDone)(BerthPushObject *object, const GError *error, void *userdata);

/* Starts to send the object. Returns NULL with error set if that fails immediately. */
BerthPushObject *berth_push_object_new(const BerthPushObjectRequest *request,
                                       BerthPushObjectDone done, void *userdata, GError **error);
void berth_push_object_free(BerthPushObject *object);
