/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A worker from berthd's point of view: a child process that serves calls over a private bus.
 * Freeing it kills it, which is also how its work is cancelled. If a worker dies on its own, the
 * calls that wait for it fail, and nothing else happens.
 */

#pragma once

#include "base/bus-error.h"
#include "base/worker-members.h"
#include "worker/worker-template.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

typedef struct BerthWorker BerthWorker;

/* Called once with the reply, or with error set; reply is NULL in that case. Never called after the
 * worker was freed. */
typedef void (*BerthWorkerReply)(sd_bus_message *reply, const GError *error, void *userdata);

/* Starts libexecdir/berth-KIND. directory (or -1) becomes the file system of a worker that works in
 * one; it is duplicated. */
BerthWorker *berth_worker_new(sd_event *event, const char *kind, int directory, GError **error);

/* Like berth_worker_new, for a user's directory (or -1 if the descriptors come later). Its file
 * system may be served by a program of the user and keep the worker from exiting: LimitExceeded if
 * too many such workers of the user still exist. The worker is passed the uid: berth-unpack takes
 * on that user's ids, and has no more rights than the user. */
BerthWorker *berth_worker_new_for_user(sd_event *event, const char *kind, int directory, uid_t uid,
                                       GError **error);
/* Like berth_worker_new, but cloned from a template of that kind if possible. */
BerthWorker *berth_worker_new_from_template(sd_event *event, const char *kind,
                                            BerthWorkerTemplate *template, int directory,
                                            GError **error);
/* Limits the files that the worker writes to this size each. A file in memory counts as neither
 * address space nor resident memory of the worker. */
void berth_worker_limit_files(const BerthWorker *worker, uint64_t bytes);
/* Calls serving once, when the worker has entered its sandbox and takes calls; never if it dies
 * before, or has been freed. For a worker that has just been created. */
void berth_worker_when_serving(BerthWorker *worker, void (*serving)(void *userdata),
                               void *userdata);
/* Kills the worker and frees it, without calling any reply callback; NULL is ignored. */
void berth_worker_free(BerthWorker *worker);

/* For the stubs in worker/calls.h, through which all calls are made. */
#define BERTH_WORKER_MEMBER_CONSTANT(constant, handler, name, call, reply) constant,
typedef enum {
    // clang-format off
    BERTH_ARCHIVE_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_FETCH_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_INGEST_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_INSPECT_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_JOURNAL_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_SCREEN_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_SIGNATURE_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    BERTH_UNPACK_MEMBERS(BERTH_WORKER_MEMBER_CONSTANT)
    // clang-format on
} BerthWorkerMember;

/* Returns the signature of the member's call. */
const char *berth_worker_member_get_signature(BerthWorkerMember member);

/* Creates a call to be filled and sent. Returns NULL only if memory runs out or after the worker's
 * death. */
sd_bus_message *berth_worker_new_call(BerthWorker *worker, BerthWorkerMember member);

/* Sends call, taking ownership of it; NULL means that it could not be filled. An immediate failure
 * is also reported through reply, later. */
void berth_worker_send(BerthWorker *worker, BerthWorkerMember member, sd_bus_message *call,
                       BerthWorkerReply reply, void *userdata);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthWorker, berth_worker_free)
